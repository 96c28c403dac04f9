/** From the command line to the exit code: reads it, makes the context, runs the command, reports what goes wrong. */
import { errorCode, toGphotosfsError } from '../model/errors.ts';
import { options, type Settings } from '../model/options.ts';
import { isInBackground, tellStarter } from './background.ts';
import { type Context, createContext } from './context.ts';
import { exitCodeOf } from './exit-codes.ts';
import { createOutput, type Output } from './output.ts';
import { type Parsed, parseCommandLine } from './parse.ts';
import type { Run } from './run.ts';

/** Runs gphotosfs with these arguments and gives the exit code. Never rejects. */
export async function main(argv: readonly string[]): Promise<number> {
  // Until the settings are known; whoever wants JSON wants a wrong usage told in it, too.
  const json = argv.includes('--json') || ['1', 'true'].includes(process.env.GPHOTOSFS_JSON ?? '');
  let output = createStandardOutput({ json, logLevel: 'info' });
  const report = (thrown: unknown): number => {
    const error = toGphotosfsError(thrown);
    const { kind, message, hint } = error;
    output.failure(error);
    tellStarter({ error: { kind, message, hint } });
    return exitCodeOf(kind);
  };
  outliveReaders();
  // An error outside of any command's reach: an event or a timer that threw.
  process.on('uncaughtException', (error) => process.exit(report(error)));
  try {
    const words = argv[0] === 'mount-helper' ? await asMountHelper(argv.slice(1)) : argv;
    const parsed = parseCommandLine(words, {
      asked: (text) => process.stdout.write(text),
      unasked: (text) => process.stderr.write(text),
    });
    if (typeof parsed === 'number') return parsed;
    return await runCommand(parsed, (settings) => {
      output = createStandardOutput(settings);
      return output;
    });
  } catch (error) {
    return report(error);
  }
}

async function runCommand(parsed: Parsed, createOutput: (settings: Settings) => Output): Promise<number> {
  const context = createContext({ flags: parsed.flags, env: process.env, createOutput });
  try {
    const { run } = await parsed.command.load();
    const { onSuccess, onFailure, healthcheck } = context.settings;
    const isFollowed = onSuccess.length + onFailure.length > 0 || healthcheck !== undefined;
    if (!isFollowed || !options.onSuccess.commands.some((name) => name === parsed.command.name)) {
      return await run(context, parsed.args);
    }
    return await runFollowed(context, parsed, run);
  } finally {
    await context.close();
  }
}

/** As mount(8) calls it. */
async function asMountHelper(argv: readonly string[]): Promise<readonly string[]> {
  const { becomeUser, translateMount } = await import('./mount-helper.ts');
  const { words, user } = translateMount(argv);
  if (user !== undefined) becomeUser(user);
  return words;
}

/** Runs a command after which something else is to happen, however it ends. */
async function runFollowed(context: Context, { command, args }: Parsed, run: Run): Promise<number> {
  const [{ afterRun }, { refuseForeignHooks }] = await Promise.all([
    import('./hooks.ts'),
    import('./trusted-config.ts'),
  ]);
  refuseForeignHooks(context);
  try {
    const exitCode = await run(context, args);
    await afterRun(context, { command: command.name, exitCode, error: undefined });
    return exitCode;
  } catch (error) {
    const exitCode = exitCodeOf(toGphotosfsError(error).kind);
    await afterRun(context, { command: command.name, exitCode, error });
    throw error;
  }
}

function createStandardOutput({ json, logLevel }: Pick<Settings, 'json' | 'logLevel'>): Output {
  const { stdout, stderr } = process;
  return createOutput({ json, level: logLevel, times: isInBackground(), stdout, stderr });
}

/** When whoever reads along goes away (`| head`), the work goes on and ends with its own exit code. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (errorCode(error) !== 'EPIPE') throw error;
    });
  }
}

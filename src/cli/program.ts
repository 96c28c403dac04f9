/** From the command line to the exit code: reads it, makes the context, runs the command, reports what goes wrong. */
import { errorCode, toGphotosfsError } from '../model/errors.ts';
import type { Settings } from '../model/options.ts';
import { isInBackground, tellStarter } from './background.ts';
import { createContext } from './context.ts';
import { exitCodeOf } from './exit-codes.ts';
import { createOutput, type Output } from './output.ts';
import { type Parsed, parseCommandLine } from './parse.ts';

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
    const parsed = parseCommandLine(argv, {
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
    return await run(context, parsed.args);
  } finally {
    await context.close();
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

/**
 * What happens after a run: a command of the owner's, and a ping for whoever watches that runs take place at all. Neither
 * changes how the run ended.
 */
import { spawn } from 'node:child_process';
import { toGphotosfsError } from '../model/errors.ts';
import type { Context } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** How a run ended. */
export interface Ending {
  readonly command: string;
  readonly exitCode: number;
  /** The error that ended it. */
  readonly error: unknown;
}

/** A watcher that is down must not hold up a backup. */
const pingTimeoutMs = 10_000;

/** Runs the hook for this ending and tells the health check. Never rejects. */
export async function afterRun(context: Context, ending: Ending): Promise<void> {
  const { settings, output } = context;
  const isSuccess = ending.exitCode === exitCodes.done;
  const hook = isSuccess ? settings.onSuccess : settings.onFailure;
  const [program, ...args] = hook;
  if (program !== undefined) {
    const failure = await runHook(context, ending, program, args);
    if (failure !== undefined) output.log('warn', `the hook ${program} ${failure}`);
  }
  if (settings.healthcheck !== undefined) {
    const failure = await ping(settings.healthcheck, isSuccess);
    if (failure !== undefined) output.log('warn', `the health check was not reached: ${failure}`);
  }
}

/**
 * Without a shell: what is in a file name or a message stays data. What the hook says goes to stderr, for stdout has the
 * results of the command.
 */
function runHook(
  context: Context,
  { command, exitCode, error }: Ending,
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  const message = error === undefined ? '' : toGphotosfsError(error).message;
  const env = {
    ...process.env,
    GPHOTOSFS_RUN_COMMAND: command,
    GPHOTOSFS_RUN_RESULT: exitCode === exitCodes.done ? 'success' : 'failure',
    GPHOTOSFS_RUN_EXIT_CODE: String(exitCode),
    // NUL ends a variable; the system refuses the whole environment otherwise.
    GPHOTOSFS_RUN_MESSAGE: message.replaceAll('\0', ''),
    GPHOTOSFS_RUN_CACHE: context.cachePath,
  };
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 2, 2] });
    const signal = context.signal();
    const stop = () => void child.kill('SIGTERM');
    signal.addEventListener('abort', stop);
    const end = (failure: string | undefined) => {
      signal.removeEventListener('abort', stop);
      resolve(failure);
    };
    child.on('error', (failure) => end(`could not be started: ${failure.message}`));
    child.on('close', (code, killedBy) => {
      end(code === 0 ? undefined : killedBy === null ? `ended with ${code}` : `was ended by ${killedBy}`);
    });
  });
}

/** As healthchecks.io has it, and those that follow it: the URL for a success, `/fail` below it for a failure. */
async function ping(address: string, isSuccess: boolean): Promise<string | undefined> {
  const url = new URL(address);
  if (!isSuccess) url.pathname = `${url.pathname.replace(/\/$/, '')}/fail`;
  const { createHttp, standardLimits } = await import('../sources/google/http.ts');
  const http = createHttp({ ...standardLimits, connections: 1 });
  try {
    const answer = await http.send({
      method: 'GET',
      url,
      headers: {},
      followRedirects: true,
      what: 'the health check',
      signal: AbortSignal.timeout(pingTimeoutMs),
    });
    await answer.body.dump();
    return answer.status < 300 ? undefined : `${url.host} answers ${answer.status}`;
  } catch (error) {
    return toGphotosfsError(error).message;
  } finally {
    await http.close().catch(() => {});
  }
}

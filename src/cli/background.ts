/** What a process that runs in the background and the one that started it say to each other. */
import type { ErrorKind } from '../model/errors.ts';

/** Set in the environment of a process that was started to go on in the background. */
const mark = 'GPHOTOSFS_IN_BACKGROUND';

/** Told to the starter: it is ready, or it failed. */
export type BackgroundMessage =
  | { readonly ready: true }
  | {
      readonly error: {
        readonly kind: ErrorKind;
        readonly message: string;
        readonly hint: string | undefined;
      };
    };

/** Whether this process was started to go on in the background. */
export function isInBackground(): boolean {
  return process.env[mark] !== undefined;
}

/** The environment for such a process. */
export function backgroundEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, [mark]: '1' };
}

/** Says something to the starter, if there is one; that it has gone meanwhile is no error. */
export function tellStarter(message: BackgroundMessage): void {
  if (isInBackground()) process.send?.(message, undefined, undefined, () => {});
}

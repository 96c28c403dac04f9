/** The test's side of a served library: starts `server.ts` as some user, tells it to be slow, and ends it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DriverFeatures } from '../../../src/mount/driver.ts';
import type { SourceEntry } from '../../../src/sources/all.ts';
import type { Hands } from './hands.ts';
import type { Library } from './library.ts';

export interface ServerSetup {
  readonly driver: string;
  readonly home: string;
  readonly cachePath: string;
  readonly mountPoint: string;
  readonly sources: readonly SourceEntry[];
  readonly uid: number;
  readonly gid: number;
  readonly umask: number;
  readonly allowOther: boolean;
}

export type ServerRequest = { readonly id: number } & (
  | { readonly do: 'hold'; readonly place: string; readonly after: number }
  | { readonly do: 'let go'; readonly place: string }
  | { readonly do: 'tell' }
);

export interface ServerState {
  /** How often each place of an archive was opened at its start; a far seek's ranges are not counted. */
  readonly opens: Readonly<Record<string, number>>;
  readonly log: readonly string[];
}

export type ServerReply =
  | { readonly id: 0; readonly value: { readonly features: DriverFeatures } }
  | {
      readonly id: 0;
      readonly error: {
        readonly kind?: string | undefined;
        readonly message: string;
        readonly hint?: string | undefined;
      };
    }
  | { readonly id: number; readonly value: ServerState };

export interface Server {
  readonly child: ChildProcess;
  readonly features: DriverFeatures;
  /** The fetch of this place stops after so many bytes, until it is let go. */
  hold(place: string, after: number): Promise<void>;
  letGo(place: string): Promise<void>;
  state(): Promise<ServerState>;
  /** Resolves with the exit code or signal. */
  readonly exited: Promise<number | string>;
  /** Sends SIGTERM and gives how it ended. */
  stop(): Promise<number | string>;
}

const script = fileURLToPath(new URL('./server.ts', import.meta.url));

/** What the mount shows as owner and takes from permissions: neither root nor the user, to be told apart. */
export const shown = { uid: 1234, gid: 2345, umask: 0o027 };

/** Mounts a library. Rejects with kind, message and hint where the server couldn't. */
export async function serveLibrary(
  library: Pick<Library, 'home' | 'cachePath' | 'mountPoint' | 'sources'>,
  driver: string,
  hands: Hands,
): Promise<Server> {
  const { home, cachePath, mountPoint, sources } = library;
  // Seen by whoever mounted, and by root's own programs where root did.
  const setup: ServerSetup = {
    ...{ driver, home, cachePath, mountPoint, sources },
    // An ordinary user's own files: `default_permissions` would else keep the user out.
    ...(hands.uid === 0 ? shown : { ...shown, uid: hands.uid }),
    allowOther: false,
  };
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(setup)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    uid: hands.uid,
    gid: hands.gid,
  });
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const waiting = new Map<number, (state: ServerState) => void>();
  let last = 0;
  const features = await new Promise<DriverFeatures>((resolve, reject) => {
    child.on('message', (reply: ServerReply) => {
      if ('error' in reply) reject(Object.assign(new Error(reply.error.message), reply.error));
      else if ('features' in reply.value) resolve(reply.value.features);
      else waiting.get(reply.id)?.(reply.value);
    });
    void exited.then((how) => reject(new Error(`the server ended: ${how}`)));
  });
  const ask = (
    request: { do: 'tell' } | { do: 'let go'; place: string } | { do: 'hold'; place: string; after: number },
  ) =>
    new Promise<ServerState>((resolve, reject) => {
      void exited.then((how) => reject(new Error(`the server ended: ${how}`)));
      const id = ++last;
      waiting.set(id, resolve);
      child.send({ ...request, id } satisfies ServerRequest);
    });
  return {
    child,
    features,
    exited,
    hold: async (place, after) => void (await ask({ do: 'hold', place, after })),
    letGo: async (place) => void (await ask({ do: 'let go', place })),
    state: () => ask({ do: 'tell' }),
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

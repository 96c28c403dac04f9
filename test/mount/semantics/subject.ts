/** What a group of tests works on: a library, mounted by a driver for a user. The server may change under it. */
import { mountAt } from '../../../src/mount/mount-table.ts';
import { eventually } from '../../helpers/mount-client.ts';
import { type Server, serveLibrary } from './client.ts';
import type { Hands } from './hands.ts';
import type { Library } from './library.ts';

export interface Subject {
  readonly driver: string;
  readonly hands: Hands;
  readonly library: Library;
  readonly server: Server;
  /** A path in the mount. */
  at(path: string): string;
  /** Mounts again, after the server ended. */
  remount(): Promise<Server>;
}

export async function createSubject(driver: string, hands: Hands, library: Library): Promise<Subject> {
  let server = await serveLibrary(library, driver, hands);
  return {
    driver,
    hands,
    library,
    get server() {
      return server;
    },
    at: (path) => (path === '' ? library.mountPoint : `${library.mountPoint}/${path}`),
    async remount() {
      server = await serveLibrary(library, driver, hands);
      return server;
    },
  };
}

/** Ends the server, and proves that nothing is left of it. */
export async function endSubject({ server, library }: Subject): Promise<void> {
  if (server.child.exitCode === null && server.child.signalCode === null) await server.stop();
  const left = await eventually(
    () => mountAt(library.mountPoint),
    (mounted) => mounted === undefined,
  );
  if (left !== undefined) throw new Error(`${library.mountPoint} is still mounted`);
}

/** SHA-256 of every regular file below a folder, by path. Python. */
export const hashesOf = `
import hashlib, json, os, sys
root = os.fsencode(sys.argv[1])
hashes = {}
for above, _, names in os.walk(root):
    for name in names:
        path = os.path.join(above, name)
        if os.path.islink(path): continue
        with open(path, 'rb') as file:
            hashes[os.fsdecode(os.path.relpath(path, root))] = hashlib.sha256(file.read()).hexdigest()
print(json.dumps(hashes))
`;

/** Writing what a setup makes to where it belongs. */
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeFileAtomically } from '../../model/write-file.ts';

/** `path` below DESTDIR, as packagers know it from `make install`. */
export function destination(path: string): string {
  return join(process.env.DESTDIR ?? '', path);
}

/** @throws `no-permission` */
export function installFile(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileAtomically(path, text);
  chmodSync(path, mode);
}

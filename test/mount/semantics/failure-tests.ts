import { describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/mount-client.ts';
import { python } from './hands.ts';
import type { Subject } from './subject.ts';

/** Reads to the end in pieces, pausing after the first until a line comes; tells what came and what went wrong. */
const readSlowly = `
import errno, json, os, sys
fd, got, failed = os.open(sys.argv[1], os.O_RDONLY), b'', None
try:
    got = os.read(fd, 65536)
    print('first', flush=True)
    sys.stdin.readline()
    while True:
        piece = os.read(fd, 65536)
        if not piece: break
        got += piece
except OSError as e:
    failed = errno.errorcode[e.errno]
print(json.dumps({'length': len(got), 'failed': failed}))
`;

interface SlowRead {
  /** It got its first bytes before anything was found out. */
  readonly began: boolean;
  readonly length: number;
  readonly failed: string | null;
}

/** Reads a file's first bytes, waits until its fetch must have ended, and reads on. */
async function readWithPause({ hands, at }: Subject, path: string): Promise<SlowRead> {
  const reader = hands.start(python, '-c', readSlowly, at(path));
  let said = '';
  reader.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise((resolve) => reader.once('close', resolve));
  await eventually(
    () => said,
    (text) => text !== '',
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  reader.stdin?.on('error', () => {}).end('\n');
  await ended;
  const [result = ''] = said.trim().split('\n').slice(-1);
  return { began: said.startsWith('first'), ...JSON.parse(result) };
}

export function failureTests(get: () => Subject): void {
  describe('a photo with other bytes than promised', () => {
    const path = 'years/2017/bad-crc.jpg';

    it('is never read to its end, however often and however slowly', async () => {
      const { library, server } = get();
      const { size } = library.node(path);
      const first = await readWithPause(get(), path);
      expect(first).toMatchObject({ began: true, failed: 'EIO' });
      expect(first.length).toBeLessThan(size);
      const second = await readWithPause(get(), path);
      expect(second.failed).toBe('EIO');
      expect(second.length).toBeLessThan(size);
      expect((await server.state()).log.join('\n')).toMatch(/bad-crc/);
    });

    it('is still listed, and not in the cache', async () => {
      const { hands, library, at } = get();
      expect(await hands.text('stat', '-c', '%s', at(path))).toBe(`${library.node(path).size}\n`);
      const state = ['getfattr', '--only-values', '-n', 'user.gphotosfs.state', '--absolute-names'] as const;
      expect(await hands.text(...state, at(path))).toBe('remote');
      expect((await hands.run('test', '-e', `${library.cachePath}/${path}`)).status).toBe(1);
    });

    it('and right ones in a second place never gives a mixture of both', async () => {
      const { hands, library, at } = get();
      const twice = 'years/2017/two-places.jpg';
      const { size, bytes = Buffer.alloc(0) } = library.node(twice);
      const slow = await readWithPause(get(), twice);
      expect(slow).toMatchObject({ began: true, failed: 'EIO' });
      expect(slow.length).toBeLessThan(size);
      const { status, stdout } = await hands.run('cat', at(twice));
      expect(status).toBe(0);
      expect(stdout.equals(bytes)).toBe(true);
    });
  });
}

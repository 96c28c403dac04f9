import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/mount-client.ts';
import { slowNames } from './library.ts';
import type { Subject } from './subject.ts';

/** Reads all files given at once, a thread each; gives their SHA-256. */
const readAtOnce = `
import concurrent.futures, hashlib, json, sys
def read(path):
    with open(path, 'rb') as file: return hashlib.sha256(file.read()).hexdigest()
with concurrent.futures.ThreadPoolExecutor(len(sys.argv) - 1) as pool:
    print(json.dumps(list(pool.map(read, sys.argv[1:]))))
`;

/** "At once" for a program that has nothing to wait for: its own start and a busy machine. */
const quicklyMs = 1500;

export function slowTests(get: () => Subject): void {
  const pathOf = (name: string) => `years/2019/${name}`;

  /** Starts to read files whose fetches are held, and waits until all of these have begun. */
  async function readHeld({ hands, library, server, at }: Subject, names: readonly string[]) {
    const places = names.map((name) => library.placeOf(pathOf(name)));
    for (const place of places) await server.hold(place, 0);
    const reading = hands.python<string[]>(readAtOnce, ...names.map((name) => at(pathOf(name))));
    const begun = await eventually(
      async () => {
        const { opens } = await server.state();
        return places.filter((place) => opens[place] === 1).length;
      },
      (count) => count === names.length,
    );
    expect(begun, 'fetches that are held').toBe(names.length);
    const letGo = async () => {
      for (const place of places) await server.letGo(place);
    };
    const expected = names.map((name) => {
      const { bytes } = library.node(pathOf(name));
      return createHash('sha256')
        .update(bytes ?? '')
        .digest('hex');
    });
    return { reading, expected, letGo };
  }

  describe('while photos are slow to come', () => {
    it('eight readers in one directory hold up nobody else', async () => {
      const subject = get();
      const { hands, at } = subject;
      const { reading, expected, letGo } = await readHeld(subject, slowNames.slice(0, 8));
      try {
        for (const [program, ...args] of [
          ['ls', '-la', at('years/2021')],
          ['ls', '-la', at('years/2019')],
          ['stat', at(pathOf(slowNames[42] ?? ''))],
          ['stat', at(pathOf(slowNames[0] ?? ''))],
          ['cat', at('years/2021/page.jpg')],
          ['cat', at(pathOf(slowNames[43] ?? ''))],
        ] as const) {
          const { status, ms } = await hands.run(program, ...args);
          expect(status).toBe(0);
          expect(ms, `${program} ${args.join(' ')}`).toBeLessThan(quicklyMs);
        }
      } finally {
        await letGo();
      }
      expect(await reading).toEqual(expected);
    });

    it('32 are waited for at once', async () => {
      const { reading, expected, letGo } = await readHeld(get(), slowNames.slice(8, 40));
      await letGo();
      expect(await reading).toEqual(expected);
    });

    it('a reader gets the first bytes before the rest has come', async () => {
      const { hands, library, server, at } = get();
      const path = 'years/2021/killed.mp4';
      const { bytes = Buffer.alloc(0) } = library.node(path);
      const place = library.placeOf(path);
      await server.hold(place, 1_000_000);
      const { status, stdout, ms } = await hands.run('head', '-c', '200000', at(path));
      expect(status).toBe(0);
      expect(stdout.equals(bytes.subarray(0, 200_000))).toBe(true);
      expect(ms).toBeLessThan(quicklyMs);
    });

    it('a reader that is killed dies, and cancels nothing for others', async () => {
      const { hands, library, server, at } = get();
      const path = 'years/2021/killed.mp4';
      const place = library.placeOf(path);
      const reader = hands.start('cat', at(path));
      const died = new Promise((resolve) => reader.once('exit', (_code, signal) => resolve(signal)));
      let got = 0;
      reader.stdout?.on('data', (chunk: Buffer) => {
        got += chunk.length;
      });
      await eventually(
        () => got,
        (length) => length > 500_000,
      );
      expect(got, 'it waits in the middle').toBeGreaterThan(500_000);
      const began = performance.now();
      reader.kill('SIGKILL');
      expect(await died).toBe('SIGKILL');
      expect(performance.now() - began).toBeLessThan(quicklyMs);
      expect((await hands.run('ls', at('years/2021'))).ms).toBeLessThan(quicklyMs);
      const other = hands.run('cat', at(path));
      await server.letGo(place);
      const { stdout } = await other;
      expect(stdout.equals(library.node(path).bytes ?? Buffer.alloc(0))).toBe(true);
      expect((await server.state()).opens[place], 'one fetch for all readers').toBe(1);
    });
  });
}

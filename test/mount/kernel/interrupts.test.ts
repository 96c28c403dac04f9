import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf } from '../../helpers/mount-bytes.ts';
import {
  canMount,
  eventually,
  mountTree,
  runProgram,
  runPython,
  type ServerProcess,
  stopServer,
} from '../../helpers/mount-client.ts';
import { createTestTree, type TestTree } from '../../helpers/mount-tree.ts';

/** Starts a program; `ended` resolves with its exit code or signal. */
function start(program: string, ...args: string[]) {
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return { child, ended };
}

describe.runIf(canMount())('readers that give up', () => {
  let tree: TestTree;
  let server: ServerProcess;
  let directory: number;
  const at = (name: string) => join(tree.mountPoint, 'years', '2021', name);
  const reached = (ino: number, reads = 1) =>
    eventually(
      () => server.state(),
      (state) => (state.reads[ino] ?? 0) >= reads,
    );

  beforeAll(async () => {
    tree = createTestTree();
    directory = tree.addDirectory(2, '2021');
    server = await mountTree(tree);
  });
  afterAll(async () => {
    await stopServer(server);
    tree.remove();
  });

  it('die at once by SIGKILL, while others of the same file get their bytes', async () => {
    const ino = tree.addFile(directory, 'shared', { size: 50_000 });
    await server.tell({ do: 'behave', ino, behaviour: { delayMs: 2500 } });
    const killed = start('cat', at('shared'));
    const patient = runProgram('cat', at('shared'));
    await reached(ino);
    const before = Date.now();
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toBe('SIGKILL');
    expect(Date.now() - before).toBeLessThan(1500);
    expect((await patient).stdout.equals(bytesOf(ino, 0, 50_000))).toBe(true);
  });

  it('die at once by SIGKILL in a direct read, which is then given up', async () => {
    const ino = tree.addFile(directory, 'direct', { size: 50_000 });
    await server.tell({ do: 'behave', ino, behaviour: { end: 'never' } });
    const { aborted } = await server.state();
    const reader = start('dd', `if=${at('direct')}`, 'of=/dev/null', 'iflag=direct', 'bs=4096', 'count=1');
    await reached(ino);
    reader.child.kill('SIGKILL');
    expect(await reader.ended).toBe('SIGKILL');
    expect((await eventually(server.state, (state) => state.aborted > aborted)).aborted).toBe(aborted + 1);
    // The mount goes on, and the same file can be read again.
    await server.tell({ do: 'behave', ino, behaviour: {} });
    const again = await runProgram('cat', at('direct'));
    expect(again.stdout.equals(bytesOf(ino, 0, 50_000))).toBe(true);
  });

  it('are told EINTR exactly once, also when the bytes come later', async () => {
    const ino = tree.addFile(directory, 'late', { size: 8192 });
    await server.tell({ do: 'behave', ino, behaviour: { delayMs: 1500 } });
    const code = `
import os, signal, sys, time
class Stop(Exception): pass
def stop(*_): raise Stop
signal.signal(signal.SIGALRM, stop)
f = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
signal.setitimer(signal.ITIMER_REAL, 0.4)
begin = time.monotonic()
try:
    os.pread(f, 4096, 0)
    print('read')
except Stop:
    print('interrupted', time.monotonic() - begin < 1.2)
time.sleep(1.5)
print(len(os.pread(f, 4096, 0)))
`;
    const { stdout, stderr } = await runPython(code, at('late'));
    expect([stdout.toString(), stderr]).toEqual(['interrupted True\n4096\n', '']);
    expect((await server.state()).log.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  it('leave nothing behind when many of them are killed', async () => {
    const ino = tree.addFile(directory, 'many', { size: 1_000_000 });
    await server.tell({ do: 'behave', ino, behaviour: { delayMs: 300 } });
    const readers = Array.from({ length: 20 }, (_, n) => {
      const flags = n % 2 === 0 ? ['iflag=direct'] : [];
      return start('dd', `if=${at('many')}`, 'of=/dev/null', 'bs=65536', ...flags);
    });
    await reached(ino, 5);
    for (const { child } of readers) child.kill('SIGKILL');
    await Promise.all(readers.map(({ ended }) => ended));
    const state = await eventually(server.state, ({ stats }) => stats.openFiles === 0);
    expect(state.stats.openFiles).toBe(0);
    await server.tell({ do: 'behave', ino, behaviour: {} });
    const whole = await runProgram('cat', at('many'));
    expect(whole.stdout.equals(bytesOf(ino, 0, 1_000_000))).toBe(true);
  });
});

/** What the program costs when nothing is asked of it, and before it does anything. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { main, nodeStart, onFreshMount, syncedHome } from './gphotosfs.ts';
import { oneFolderTakeout } from './library.ts';
import { ms, type Row, run, takeTurns } from './measure.ts';

/** How long nobody asks anything, s. */
const quiet = Number(process.env.BENCH_IDLE_SECONDS ?? 60);
/**
 * What a mount does once after it was used is not idling: it loads the fetcher, and V8 collects garbage in steps, 8 s apart, the
 * last of them 25 s after the use (seen by the second; after that nothing), s.
 */
const settling = 35;

/** How often a process's threads went to sleep so far, which is how often they woke, and their CPU time in clock ticks. */
function activity(pid: number): { wakeUps: number; ticks: number } {
  let [wakeUps, ticks] = [0, 0];
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${task}`;
    const status = readFileSync(join(folder, 'status'), 'latin1');
    wakeUps += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    const stat = readFileSync(join(folder, 'stat'), 'latin1').split(') ')[1]?.split(' ') ?? [];
    ticks += Number(stat[11]) + Number(stat[12]);
  }
  return { wakeUps, ticks };
}

export async function benchIdle(folder: string, rounds: number): Promise<Row[]> {
  const home = syncedHome(join(folder, 'idle'), await oneFolderTakeout(join(folder, 'few'), 100, 2000));
  const idle = await onFreshMount(home, 'kernel', async ({ path, pid }) => {
    await run('ls', ['-lR', path]);
    await sleep(settling * 1000);
    const before = activity(pid);
    await sleep(quiet * 1000);
    const after = activity(pid);
    return { wakeUps: after.wakeUps - before.wakeUps, ticks: after.ticks - before.ticks };
  });
  const start = (command: string) => async () =>
    (await run(process.execPath, [main, command], { env: home.env, stdio: 'ignore' })).seconds;
  const times = await takeTurns(rounds * 2, {
    node: async () => nodeStart(),
    help: start('--help'),
    status: start('status'),
  });
  const row = (what: string, ours: string, goal: string): Row => ({ what, ours, other: '', ratio: '', goal });
  return [
    row(`idle mount, ${quiet} s: wake-ups`, String(idle.wakeUps), '0'),
    row(`idle mount, ${quiet} s: CPU time`, `${idle.ticks * 10} ms`, '0'),
    row('gphotosfs --help, beyond Node’s own start', ms(times.help - times.node), '≤ 150 ms'),
    row('gphotosfs status, beyond Node’s own start', ms(times.status - times.node), '≤ 250 ms'),
  ];
}

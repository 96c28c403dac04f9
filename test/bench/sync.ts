/** Sync of 100,000 photos in 20 parts, against Python's zipfile listing all parts and reading every `.json`. */
import { join } from 'node:path';
import { freshHome, gphotosfs, main } from './gphotosfs.ts';
import { generatedTakeout } from './library.ts';
import { type Row, run, takeTurns } from './measure.ts';

const python = `
import json, sys, zipfile
for path in sys.argv[1:]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith('.json'):
                json.loads(archive.read(entry))
`;

export async function benchSync(folder: string, rounds: number): Promise<Row[]> {
  const parts = await generatedTakeout(join(folder, 'takeout'));
  let peakMb = 0;
  const times = await takeTurns(rounds, {
    ours: async () => {
      const home = freshHome(join(folder, 'sync'));
      gphotosfs(home, 'add', 'takeout', ...parts);
      const measured = await run(process.execPath, [main, 'sync'], { env: home.env, stdio: 'ignore' });
      peakMb = Math.max(peakMb, measured.peakMb);
      return measured.seconds;
    },
    python: async () => (await run('python3', ['-c', python, ...parts])).seconds,
  });
  return [
    {
      what: 'sync, 100,000 photos in 20 zips (other: Python zipfile + json)',
      ours: `${times.ours.toFixed(2)} s`,
      other: `${times.python.toFixed(2)} s`,
      ratio: (times.ours / times.python).toFixed(2),
      goal: '≤ 1',
    },
    { what: 'sync, peak memory', ours: `${peakMb.toFixed(0)} MB`, other: '', ratio: '', goal: '< 300 MB' },
  ];
}

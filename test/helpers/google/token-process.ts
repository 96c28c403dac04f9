/** A process of its own that makes a call with the account's token, for tests of several at once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { toGphotosfsError } from '../../../src/model/errors.ts';
import { createGoogleClient } from '../../../src/sources/google/client.ts';
import type { Endpoints } from '../../../src/sources/google/endpoints.ts';
import type { Patience } from '../../../src/sources/google/patience.ts';
import { memoryCounts } from './google-home.ts';

export interface TokenTask {
  readonly endpoints: Endpoints;
  readonly secretPath: string;
  readonly tokenPath: string;
  readonly url: string;
  readonly patience?: Patience;
}

/** Its exit code, and what it said. It calls when `go` is done. */
export async function startTokenProcess(
  task: TokenTask,
  go: Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; said: string }> {
  const command = ['--import', 'tsx', fileURLToPath(import.meta.url), JSON.stringify(task)];
  const child = spawn(process.execPath, command, { env: { PATH: process.env.PATH, ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const ended = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), ended]);
  await go;
  child.stdin.end('go\n');
  const [code] = (await ended) as [number];
  return { code, said };
}

async function work(task: TokenTask): Promise<void> {
  const client = createGoogleClient({ account: 'default', counts: memoryCounts(), log: () => {}, ...task });
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  try {
    await client.call({ method: 'GET', url: task.url, schema: z.unknown(), what: 'the echo' });
  } catch (error) {
    const { message, hint } = toGphotosfsError(error);
    process.stdout.write(`${message}. ${hint}\n`);
    process.exitCode = 1;
  }
  await client.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await work(JSON.parse(process.argv[2] ?? '') as TokenTask);
}

/** `setup cron`: the nightly run as a line of a crontab. cron mails what is left on stderr: warnings and errors. */
import { spawnSync } from 'node:child_process';
import { GphotosfsError } from '../../model/errors.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Run } from '../run.ts';
import { destination, installFile } from './install.ts';
import { cronCommand, shellArgument } from './quote.ts';
import { unreadableProgram } from './ready.ts';
import { type Subject, subjectOf } from './subject.ts';

const systemTable = '/etc/cron.d/gphotosfs';
/** By this a line is found again, to be replaced. */
const mark = '# gphotosfs: written by "gphotosfs setup cron"';

export const run: Run = async (context) => {
  const { output, settings } = context;
  const subject = subjectOf(context);
  const lines = [mark, cronLine(subject)];
  const unreadable = unreadableProgram(subject);
  if (unreadable !== undefined) output.log('warn', unreadable);
  if (!settings.install) {
    const where = subject.forSystem ? systemTable : 'crontab -e';
    output.result({ type: 'cron', where, lines }, [`# ${where}`, ...lines]);
    return exitCodes.done;
  }
  if (subject.forSystem) {
    const path = destination(systemTable);
    installFile(path, `${lines.join('\n')}\n`, 0o644);
    output.result({ type: 'installed', path }, [`${path} written`]);
  } else {
    replaceOwnLines(lines);
    output.result({ type: 'installed', path: 'crontab' }, [
      'Your crontab has it now; "crontab -l" shows it.',
    ]);
  }
  return exitCodes.done;
};

function cronLine({ program, forSystem, user, at }: Subject): string {
  const words = (...args: string[]) =>
    [...program, '--log-level', 'warn', ...args].map(shellArgument).join(' ');
  const command = cronCommand(`${words('sync')} >/dev/null; ${words('prefetch')} >/dev/null`);
  return `${at.minute} ${at.hour} * * *  ${forSystem ? `${user}  ` : ''}${command}`;
}

function replaceOwnLines(lines: readonly string[]): void {
  const listed = spawnSync('crontab', ['-l'], { encoding: 'utf8' });
  if (listed.error !== undefined) {
    throw new GphotosfsError('not-found', 'the program "crontab" was not found', {
      hint: 'Install the package cron, or use: gphotosfs setup systemd',
      cause: listed.error,
    });
  }
  // Without a crontab it fails, and says so on stderr.
  const before = listed.status === 0 ? listed.stdout.split('\n').slice(0, -1) : [];
  const at = before.indexOf(mark);
  if (at >= 0) before.splice(at, 2);
  const text = `${[...before, ...lines].join('\n')}\n`;
  const written = spawnSync('crontab', ['-'], { input: text, encoding: 'utf8' });
  if (written.status !== 0) {
    throw new GphotosfsError('no-permission', `the crontab was not written: ${written.stderr.trim()}`);
  }
}

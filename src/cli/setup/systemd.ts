/** `setup systemd [DIR]`: units for the nightly run and, where a mount point is named, for the mount. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { exitCodes } from '../exit-codes.ts';
import type { Run } from '../run.ts';
import { destination, installFile } from './install.ts';
import { shellArgument } from './quote.ts';
import { mountPointCommands, unreadableProgram } from './ready.ts';
import { subjectOf } from './subject.ts';
import { mountUnit, mountUnitName, prefetchUnits, timerName } from './units.ts';

export const run: Run = async (context, [dir]) => {
  const { output, settings } = context;
  const subject = subjectOf(context);
  const units = [...(dir === undefined ? [] : [mountUnit(subject, resolve(dir))]), ...prefetchUnits(subject)];
  const folder = subject.forSystem ? '/etc/systemd/system' : join(configHome(), 'systemd', 'user');
  const systemctl = subject.forSystem ? 'systemctl' : 'systemctl --user';
  const started = dir === undefined ? [timerName] : [mountUnitName, timerName];
  const unreadable = unreadableProgram(subject);
  if (unreadable !== undefined) output.log('warn', unreadable);
  const next = [
    ...(dir === undefined ? [] : mountPointCommands(subject, resolve(dir))),
    `${systemctl} daemon-reload`,
    `${systemctl} enable --now ${started.join(' ')}`,
    ...(subject.forSystem ? [] : [`loginctl enable-linger ${shellArgument(subject.user)}`]),
  ];
  if (!settings.install) {
    for (const { name, text } of units) {
      output.result({ type: 'unit', path: join(folder, name), text }, [
        `# ${join(folder, name)}`,
        ...text.split('\n'),
      ]);
    }
    return exitCodes.done;
  }
  for (const { name, text } of units) {
    const path = destination(join(folder, name));
    installFile(path, text, 0o644);
    output.result({ type: 'installed', path }, [`${path} written`]);
  }
  output.result({ type: 'next', commands: next }, ['Next:', ...next.map((line) => `  ${line}`)]);
  return exitCodes.done;
};

function configHome(): string {
  return process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config');
}

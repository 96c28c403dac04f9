/** One argument as the files of other programs want it written. */

/** For a systemd unit (systemd.syntax(7), systemd.service(5)): quoted where need be; `%` and `$` stand for themselves. */
export function unitArgument(text: string): string {
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[\w@%$+=:,./-]+$/.test(escaped)) return escaped;
  return `"${escaped.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
}

/** A path in a setting that takes paths and no `$` (ReadWritePaths=, RequiresMountsFor=). */
export function unitPath(path: string): string {
  return unitArgument(path).replaceAll('$$', '$');
}

/** For a POSIX shell. */
export function shellArgument(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A shell's command in a crontab (crontab(5)): a bare `%` would end the line. */
export function cronCommand(command: string): string {
  return command.replaceAll('%', '\\%');
}

/** A field of /etc/fstab (fstab(5)), where blanks separate fields. */
export function fstabField(text: string): string {
  return text.replace(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

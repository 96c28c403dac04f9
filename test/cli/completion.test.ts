/** Completion and manual page, as the real shells and man(1) take them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { bashScript } from '../../src/cli/completion/bash.ts';
import { fishScript } from '../../src/cli/completion/fish.ts';
import { zshScript } from '../../src/cli/completion/zsh.ts';
import { manualPage } from '../../src/cli/manual.ts';
import { flagOf, type Option, optionNames, options } from '../../src/model/options.ts';

const has = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gphotosfs-completion-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What may come at the end of a line, and what must not. */
const cases: readonly (readonly [line: string, wanted: readonly string[], not: readonly string[]])[] = [
  ['gphotosfs st', ['status'], ['sync', 'takeout']],
  ['gphotosfs add ', ['takeout'], ['status', 'systemd']],
  ['gphotosfs setup ', ['systemd', 'cron', 'fstab'], ['takeout']],
  ['gphotosfs --home /tmp setup ', ['systemd'], ['status']],
  ['gphotosfs mount --dr', ['--driver'], ['--dry-run']],
  ['gphotosfs mount --driver ', ['kernel', 'fuse-native'], ['status']],
  ['gphotosfs prefetch --', ['--jobs', '--dry-run', '--home'], ['--driver', '--rescan']],
  ['gphotosfs --log-level ', ['error', 'debug'], ['status']],
  ['gphotosfs completion ', ['bash', 'zsh', 'fish'], ['status']],
];

function expectOf(answer: (line: string) => string[]): void {
  for (const [line, wanted, not] of cases) {
    const got = answer(line);
    for (const word of wanted) expect(got, line).toContain(word);
    for (const word of not) expect(got, line).not.toContain(word);
  }
}

describe('completion', () => {
  it('works in bash', () => {
    const script = join(folder, 'bash');
    writeFileSync(script, bashScript());
    expectOf((line) => {
      const words = line.split(' ');
      const quoted = words.map((word) => `'${word}'`).join(' ');
      const code = `source '${script}'; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _gphotosfs; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', code], { encoding: 'utf8' });
      expect(stderr).toBe('');
      return stdout.trim().split('\n');
    });
  });

  it.runIf(has('fish'))('works in fish', () => {
    const script = join(folder, 'fish');
    writeFileSync(script, fishScript());
    expectOf((line) => {
      const code = `source '${script}'; complete -C '${line}'`;
      const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', code], {
        encoding: 'utf8',
        env: { ...process.env, HOME: folder },
      });
      expect(stderr).toBe('');
      return stdout.split('\n').map((one) => one.split('\t')[0] ?? '');
    });
  });

  it.runIf(has('zsh'))('is taken by zsh for the completion of gphotosfs', () => {
    writeFileSync(join(folder, '_gphotosfs'), zshScript());
    const code = `fpath=('${folder}' $fpath); autoload -U compinit; compinit -u -D; print $_comps[gphotosfs]
      compadd() { :; }; autoload +X _gphotosfs && print loaded`;
    const { stdout, stderr } = spawnSync('zsh', ['-fc', code], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '_gphotosfs\nloaded\n', stderr: '' });
    expect(spawnSync('zsh', ['-n', join(folder, '_gphotosfs')], { encoding: 'utf8' }).stderr).toBe('');
  });
});

describe('the manual page', () => {
  it('has every command, option, variable and key', () => {
    const page = manualPage('1.2.3').replaceAll('\\-', '-');
    for (const { name } of commands) expect(page).toContain(`.SS\n${name}`);
    for (const name of optionNames) {
      const { env, key }: Option = options[name];
      expect(page).toContain(`.B ${flagOf(name)}`);
      expect(page).toContain(`.B ${env}\n${flagOf(name)}${key === undefined ? '' : `, key ${key}`}\n`);
    }
  });

  it.runIf(has('man') && has('groff'))('is one that man(1) has nothing to complain about', () => {
    const path = join(folder, 'gphotosfs.1');
    writeFileSync(path, manualPage('1.2.3'));
    const env = { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8' };
    const shown = spawnSync('man', ['--warnings', '-l', path], { encoding: 'utf8', env });
    expect({ status: shown.status, stderr: shown.stderr }).toEqual({ status: 0, stderr: '' });
    expect(shown.stdout).toContain('I move to a new NAS');
    expect(shown.stdout).toContain('gphotosfs mount --daemon --sync-every 6h /srv/photos');
  });
});

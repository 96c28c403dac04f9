/** `completion SHELL`: a script by which a shell completes commands, options and their values. */
import { GphotosfsError } from '../model/errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { Run } from './run.ts';

const scripts: Readonly<Record<string, () => Promise<string>>> = {
  bash: async () => (await import('./completion/bash.ts')).bashScript(),
  zsh: async () => (await import('./completion/zsh.ts')).zshScript(),
  fish: async () => (await import('./completion/fish.ts')).fishScript(),
};

export const run: Run = async ({ output }, [shell = '']) => {
  const script = Object.hasOwn(scripts, shell) ? await scripts[shell]?.() : undefined;
  if (script === undefined) {
    throw new GphotosfsError('usage', `there is no completion for "${shell}"`, {
      hint: `Choose one of ${Object.keys(scripts).join(', ')}.`,
    });
  }
  output.result({ type: 'completion', shell, script }, script.trimEnd().split('\n'));
  return exitCodes.done;
};

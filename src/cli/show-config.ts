/** `config`: the value of every option as it is in force here, and where it came from. */
import { flagOf, type Option, optionNames, options } from '../model/options.ts';
import { exitCodes } from './exit-codes.ts';
import { formatColumns } from './format.ts';
import type { Run } from './run.ts';

export const run: Run = async ({ settings, origins, paths, cachePath, output }) => {
  const rows = optionNames.map((name) => {
    const option: Option = options[name];
    const origin = origins[name];
    const value =
      name === 'cache' ? cachePath : name === 'home' ? (settings.home ?? null) : (settings[name] ?? null);
    const from = { flag: flagOf(name), environment: option.env, config: paths.config, default: 'default' }[
      origin
    ];
    return { name: option.key ?? name, option, value, origin, from };
  });
  if (output.json) {
    for (const { name, value, origin, from } of rows) {
      output.result({ type: 'option', name, value, origin, from }, []);
    }
    return exitCodes.done;
  }
  const text = ({ option, value }: (typeof rows)[number]): string => {
    if (Array.isArray(value)) return value.length === 0 ? '-' : value.join(', ');
    if (value === null) return option.defaultHelp?.replaceAll('`', '') ?? '-';
    if (option.kind === 'mode') return Number(value).toString(8).padStart(3, '0');
    return option.kind === 'duration' ? `${Number(value) / 1000}s` : String(value);
  };
  output.result({}, [
    `configuration  ${paths.config}`,
    `data           ${paths.dataFolder}`,
    '',
    ...formatColumns([['option', 'value', 'from'], ...rows.map((row) => [row.name, text(row), row.from])]),
  ]);
  return exitCodes.done;
};

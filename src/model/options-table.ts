/** The options as the table of `native-notes/options.md`; a test holds that the page has it. */
import { flagOf, type Option, type OptionName, optionNames, options } from './options.ts';

/** A Markdown table with a row for every option. */
export function optionsTable(): string {
  const head = ['flag', 'for', 'environment', 'config.json', 'default', 'what it does'];
  const lines = [head, head.map(() => '---'), ...optionNames.map(row)];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function row(name: OptionName): string[] {
  const option: Option = options[name];
  const flag = option.value === undefined ? flagOf(name) : `${flagOf(name)} ${option.value}`;
  return [
    code(flag),
    option.commands === 'all' ? 'all' : option.commands.map(code).join(', '),
    code(option.env),
    code(option.key),
    option.defaultHelp ?? code(option.default),
    option.help,
  ];
}

function code(text: string | undefined): string {
  return text === undefined ? '' : `\`${text}\``;
}

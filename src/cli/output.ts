/**
 * All that gphotosfs says. stdout has the results, stderr what happens on the way: so a result can be piped, and cron
 * can throw away one of the two. With `--json` both are one JSON object a line. There is no colour.
 */
import type { GphotosfsError } from '../model/errors.ts';
import { printable } from './format.ts';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];
export type Log = (level: LogLevel, message: string) => void;

/** A stream as far as it is needed here. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

export interface OutputRequest {
  readonly json: boolean;
  readonly level: LogLevel;
  /** Each line of stderr begins with the time: for a log file. */
  readonly times: boolean;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

export interface Output {
  readonly json: boolean;
  readonly stderr: Sink;
  readonly log: Log;
  /** A result: as `record` with `--json`, else as `lines`. */
  result(record: object, lines: readonly string[]): void;
  /** What is told next takes the place of what was told before, on a terminal. */
  startOver(): void;
  /** The error that ends the command. */
  failure(error: GphotosfsError): void;
  /** An event for programs; people don't get it. */
  event(record: object): void;
  /** Where a progress bar is on the screen, lines have to go above it; undefined takes that back. */
  divert(above: ((line: string) => void) | undefined): void;
}

export function createOutput(request: OutputRequest): Output {
  const { json, level, stdout, stderr } = request;
  const greatest = logLevels.indexOf(level);
  const direct = (line: string) => stderr.write(`${line}\n`);
  let say: (line: string) => void = direct;

  const time = () => (request.times ? `${new Date().toISOString()} ` : '');
  const log: Log = (of, message) => {
    if (logLevels.indexOf(of) > greatest) return;
    if (json) return say(JSON.stringify({ event: 'log', level: of, message }));
    const prefix = of === 'warn' ? 'warning: ' : of === 'debug' ? 'debug: ' : '';
    say(`${time()}gphotosfs: ${prefix}${printable(message)}`);
  };

  return {
    json,
    stderr,
    log,
    result(record, lines) {
      const texts = json ? [JSON.stringify(record)] : lines.map(printable);
      stdout.write(texts.map((text) => `${text}\n`).join(''));
    },
    startOver() {
      if (stdout.isTTY && !json) stdout.write('\u001b[H\u001b[2J');
    },
    failure(error) {
      const { kind, message, hint } = error;
      if (json) return say(JSON.stringify({ error: { kind, message, hint: hint ?? null } }));
      say(`${time()}gphotosfs: ${printable(message)}`);
      if (kind === 'internal') say('  This is a defect of gphotosfs, please report it.');
      if (hint !== undefined) say(`  ${printable(hint)}`);
      const stack = stackOf(error);
      if (level === 'debug' && kind === 'internal' && stack !== undefined) say(stack);
    },
    event(record) {
      if (json) say(JSON.stringify(record));
    },
    divert(above) {
      say = above ?? direct;
    },
  };
}

/** Where a defect is: the place it was thrown, not the one it was wrapped. */
function stackOf(error: GphotosfsError): string | undefined {
  return error.cause instanceof Error ? error.cause.stack : error.stack;
}

/** What the values of options look like, as text: each parser takes the text and gives the value, or refuses it. */
import { GphotosfsError } from './errors.ts';

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** setTimeout takes at most 2^31 − 1 ms (Node, timers); longer ones fire at once. */
const longestMs = 24 * 86_400_000;

/** `90s`, `15m`, `6h`, `1h30m`, `1d` as milliseconds; at least a second, at most 24 days. */
export function parseDuration(text: string): number {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/gy)];
  const read = parts.reduce((length, [part]) => length + part.length, 0);
  const ms = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitsMs[unit ?? ''] ?? Number.NaN),
    0,
  );
  if (parts.length === 0 || read !== text.trim().length)
    refuse(text, 'a duration such as 90s, 15m, 6h or 1d');
  if (ms < 1000 || ms > longestMs) refuse(text, 'a duration between 1s and 24d');
  return ms;
}

/** A whole number from 1 on. */
export function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0;
  if (count < 1) refuse(text, 'a whole number from 1 on');
  return count;
}

const percentOf = (text: string): number =>
  Number(/^(\d{1,3}(?:\.\d{1,6})?)\s*%?$/.exec(text.trim())?.[1] ?? Number.NaN);

/** A part of a hundred that may be none but not all: `5`, `0` or `5%`. */
export function parseShare(text: string): number {
  const value = percentOf(text);
  if (!(value < 100)) refuse(text, 'a percentage such as 5, from 0 on and less than 100');
  return value;
}

/** A part of a hundred, more than none: `5`, `0.5` or `5%`. */
export function parsePercent(text: string): number {
  const value = percentOf(text);
  if (!(value > 0 && value <= 100)) refuse(text, 'a percentage such as 5, more than 0 and at most 100');
  return value;
}

const unitsBytes: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** A size in bytes, or a rate in bytes a second: `64M`, `1.5G`, `500k`; from 1 kB to 1 TB. */
export function parseBytes(text: string): number {
  const [, count, unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?)\s*([kmg]?)i?b?(?:\/s)?$/i.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(count) * (unitsBytes[unit.toLowerCase()] ?? Number.NaN));
  if (!(bytes >= 1024 && bytes <= 2 ** 40)) refuse(text, 'a number of bytes such as 64M or 500k');
  return bytes;
}

/** A user's or group's number. */
export function parseId(text: string): number {
  const id = /^\d{1,10}$/.test(text.trim()) ? Number(text) : Number.NaN;
  // 2^32 − 1 is chown(2)'s "leave it as it is".
  if (!(id < 0xffff_ffff)) refuse(text, 'a numeric id; "id -u NAME" tells it');
  return id;
}

/** Permission bits in octal, as `umask` takes them: `022`. */
export function parseMode(text: string): number {
  if (!/^0?o?[0-7]{1,3}$/.test(text.trim())) refuse(text, 'an octal number such as 022');
  return Number.parseInt(text.trim().replace('o', ''), 8);
}

/** On or off, as people write it in an environment variable. */
export function parseFlag(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (['1', 'true', 'yes', 'on'].includes(word)) return true;
  if (['', '0', 'false', 'no', 'off'].includes(word)) return false;
  return refuse(text, '1 or 0');
}

/** The address of a service, for paths to be put behind it: `https://photoslibrary.googleapis.com`. */
export function parseUrl(text: string): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    refuse(text, 'an address such as https://photoslibrary.googleapis.com');
  return url.href.replace(/\/+$/, '');
}

/** Any text but none. */
export function parseText(text: string): string {
  if (text === '') refuse(text, 'not empty');
  if (text.includes('\0')) refuse(text, 'text without NUL');
  return text;
}

/** One of a few words. */
export function parseChoice<Choice extends string>(text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((one) => one === text.trim());
  return choice ?? refuse(text, `one of ${choices.join(', ')}`);
}

function refuse(text: string, wanted: string): never {
  throw new GphotosfsError('usage', `"${text}" is not allowed: it must be ${wanted}`);
}

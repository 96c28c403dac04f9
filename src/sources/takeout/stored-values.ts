/**
 * Values of memos as JSON has them, checked one by one when they are read back: a memo was in a file. By hand, for a schema
 * library takes 60 ms to load, a third of a sync that finds nothing new.
 */
import type { Problem } from '../../model/words.ts';

/** A value is not what was written. */
export class Damaged extends Error {}

/** @throws Damaged, as all that read values back */
export const damaged = (): never => {
  throw new Damaged('a stored catalog is damaged');
};

export const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : damaged();
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : damaged());
export const text = (value: unknown): string => (typeof value === 'string' ? value : damaged());
export const flag = (value: unknown): boolean => (typeof value === 'boolean' ? value : damaged());
export const number = (value: unknown): number => (Number.isFinite(value) ? (value as number) : damaged());
export const count = (value: unknown): number =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : damaged();
export const maybe = <T>(value: unknown, read: (value: unknown) => T): T | undefined =>
  value === null ? undefined : read(value);

/** Two numbers: a place on earth, or a time with how often it occurs. */
export function pair(value: unknown): readonly [number, number] {
  const [first, second, ...more] = list(value);
  return more.length > 0 ? damaged() : [number(first), number(second)];
}

export function problemOf(value: unknown): Problem {
  const { where, what, remedy, severity } = fields(value);
  const problem = { where: text(where), what: text(what), remedy: text(remedy) };
  return severity === 'notice' ? { ...problem, severity } : problem;
}

/** What the program's end says to a script: every kind of error has its exit code. */
import type { ErrorKind } from '../model/errors.ts';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Done in part; the rest is listed. */
  partial: 3,
  signIn: 4,
  /** A source is unreachable or out of quota: try later. */
  unreachable: 5,
  /** The cache can take no more: its disk is full, read-only or failing. */
  cacheClosed: 6,
  cannotMount: 7,
  /** 128 + SIGINT, as a shell would say it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const codeOfKind = {
  usage: exitCodes.usage,
  'not-found': exitCodes.usage,
  'no-permission': exitCodes.failed,
  'bad-source': exitCodes.failed,
  'bad-content': exitCodes.failed,
  'source-changed': exitCodes.failed,
  'source-gone': exitCodes.failed,
  'source-unreachable': exitCodes.unreachable,
  quota: exitCodes.unreachable,
  'sign-in': exitCodes.signIn,
  unavailable: exitCodes.partial,
  'no-space': exitCodes.cacheClosed,
  'cache-failing': exitCodes.cacheClosed,
  'wrong-cache': exitCodes.failed,
  'bad-cache': exitCodes.failed,
  'index-newer': exitCodes.failed,
  'index-corrupt': exitCodes.failed,
  busy: exitCodes.failed,
  mount: exitCodes.cannotMount,
  interrupted: exitCodes.interrupted,
  'not-built': exitCodes.failed,
  internal: exitCodes.failed,
} as const satisfies Record<ErrorKind, ExitCode>;

/** The exit code of a command that ended with an error of this kind. */
export function exitCodeOf(kind: ErrorKind): ExitCode {
  return codeOfKind[kind];
}

/** An error on its way between threads, where it loses its class. */
import { errorKinds, GphotosfsError } from '../../model/errors.ts';

export interface ThreadFailure {
  readonly kind: string;
  readonly message: string;
  readonly hint: string | undefined;
}

export const toFailure = ({ kind, message, hint }: GphotosfsError): ThreadFailure => ({
  kind,
  message,
  hint,
});

export function fromFailure({ kind, message, hint }: ThreadFailure): GphotosfsError {
  const known = errorKinds.find((name) => name === kind) ?? 'internal';
  return new GphotosfsError(known, message, hint === undefined ? {} : { hint });
}

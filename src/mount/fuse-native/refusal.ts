/** A request that ends in an error number by the rules of a file system: nothing is wrong, nothing is logged. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** The positive errno. */
  readonly errno: number;

  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

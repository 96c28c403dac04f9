/**
 * CRC-32 of a run of zero bytes without running over it: a sparse entry of 5 GiB gets its true checksum in
 * microseconds. Feeding one zero byte changes the register linearly over GF(2); feeding n of them is that
 * 32×32 matrix to the n-th power, by repeated squaring.
 */

/** A matrix over GF(2): column i is the image of bit i. */
type Matrix = readonly number[];

const polynomial = 0xedb88320;

function apply(matrix: Matrix, vector: number): number {
  let sum = 0;
  for (let bit = 0; bit < 32; bit++) if ((vector >>> bit) & 1) sum ^= matrix[bit] ?? 0;
  return sum;
}

const multiply = (a: Matrix, b: Matrix): Matrix => b.map((column) => apply(a, column));

/** What one zero bit does to the register: shift right, fold the polynomial in where a bit fell out. */
const oneBit: Matrix = Array.from({ length: 32 }, (_, bit) => (bit === 0 ? polynomial : 1 << (bit - 1)));

/** CRC-32 (ISO 3309, as in zip) of `length` zero bytes. */
export function zerosCrc32(length: number): number {
  let register = 0xffffffff;
  let power = oneBit;
  for (let bits = BigInt(length) * 8n; bits > 0n; bits >>= 1n) {
    if (bits & 1n) register = apply(power, register);
    power = multiply(power, power);
  }
  return (register ^ 0xffffffff) >>> 0;
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemList } from '../../../../src/sources/takeout/archives/problem-list.ts';
import { type DirectoryRecord, plainRecord } from '../../../../src/sources/takeout/archives/zip-record.ts';
import { eachRecord } from '../../../../src/sources/takeout/archives/zip-records.ts';

interface Fields {
  readonly flags: number;
  readonly method: number;
  readonly date: number;
  readonly time: number;
  readonly crc32: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly attributes: number;
  readonly offset: number;
  readonly name: string;
  readonly extra: readonly (readonly [id: number, data: Uint8Array])[];
  readonly comment: Uint8Array;
}

function record(fields: Fields): Buffer {
  const extra = Buffer.concat(fields.extra.map(([id, data]) => extraField(id, data)));
  const name = Buffer.from(fields.name);
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE(fields.flags, 8);
  head.writeUInt16LE(fields.method, 10);
  head.writeUInt16LE(fields.time, 12);
  head.writeUInt16LE(fields.date, 14);
  head.writeUInt32LE(fields.crc32, 16);
  head.writeUInt32LE(fields.compressedSize, 20);
  head.writeUInt32LE(fields.size, 24);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(extra.length, 30);
  head.writeUInt16LE(fields.comment.length, 32);
  head.writeUInt32LE(fields.attributes, 38);
  head.writeUInt32LE(fields.offset, 42);
  return Buffer.concat([head, name, extra, fields.comment]);
}

function extraField(id: number, data: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(data.length, 2);
  return Buffer.concat([head, data]);
}

async function readAll(directory: Buffer): Promise<{ records: DirectoryRecord[]; problems: number }> {
  const records: DirectoryRecord[] = [];
  const problems = problemList('test.zip');
  await eachRecord(
    directory,
    problems,
    () => undefined,
    (one) => records.push(one),
  );
  return { records, problems: problems.all().length };
}

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const fields: fc.Arbitrary<Fields> = fc.record({
  flags: fc.constantFrom(0, 0x8, 0x800, 0x808, 0x1, 0x41),
  method: fc.constantFrom(0, 8, 12, 99),
  date: u16,
  time: u16,
  crc32: u32,
  compressedSize: fc.oneof(u32, fc.constant(0xffff_ffff)),
  size: fc.oneof(u32, fc.constant(0xffff_ffff)),
  attributes: u32,
  offset: fc.oneof(u32, fc.constant(0xffff_ffff)),
  name: fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom('a\\b', 'Fotos/Jos\u00e9.jpg', '\ufffd', '')),
  extra: fc.array(
    fc.tuple(fc.constantFrom(0x0001, 0x5455, 0x000a, 0x7075, 0x9999), bytes(40)) as fc.Arbitrary<
      readonly [number, Uint8Array]
    >,
    { maxLength: 3 },
  ),
  comment: bytes(8),
});

/** Without what makes most of them odd ones. */
const ordinary = fc.record({
  one: fields,
  flags: fc.constantFrom(0, 0x8, 0x800),
  compressedSize: u32,
  size: u32,
  offset: u32,
  extra: fc.array(
    fc.tuple(fc.constantFrom(0x0001, 0x5455, 0x9999), bytes(12)) as fc.Arbitrary<
      readonly [number, Uint8Array]
    >,
    { maxLength: 3 },
  ),
});

/** Too short to mean anything, which yauzl knows; a plain record has none of its kind. */
const forYauzl: readonly [number, Uint8Array] = [0x7075, new Uint8Array(0)];

describe('a record of the central directory', () => {
  it('says the same whether it is read as a plain one or by yauzl', async () => {
    let plain = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fields,
          ordinary.map(({ one, ...rest }) => ({ ...one, ...rest })),
        ),
        async (one) => {
          const found = plainRecord(record(one), 0);
          if (found === undefined) return;
          plain++;
          const odd = record({ ...one, extra: [...one.extra, forYauzl] });
          expect(plainRecord(odd, 0)).toBeUndefined();
          expect((await readAll(odd)).records).toEqual([found]);
        },
      ),
      { numRuns: 2000 },
    );
    expect(plain).toBeGreaterThan(200);
  });

  it('is found behind plain and odd ones in any order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fields, { maxLength: 12 }), async (all) => {
        const each = await Promise.all(all.map((one) => readAll(record(one))));
        const together = await readAll(Buffer.concat(all.map(record)));
        expect(together.records).toEqual(each.flatMap(({ records }) => records));
        expect(together.problems).toBe(each.reduce((sum, { problems }) => sum + problems, 0));
      }),
    );
  });
});

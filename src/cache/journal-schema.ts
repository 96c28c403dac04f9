/** What a line of the journal must look like. Names and links of it become the tree, so they must not lead out of it. */
import { z } from 'zod';
import { mediaKinds } from '../model/media-kind.ts';
import type { JournalRecord } from './journal-record.ts';

/** Inode numbers stay below 2^32. */
const ino = z.int().min(1).max(0xffff_fffe);
const whole = z.int().min(0);
const time = z.int();
const text = z.string().max(100_000);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const crc32 = z.int().min(0).max(0xffff_ffff).optional();

/** A name in a directory. */
const name = z
  .string()
  .min(1)
  .max(255)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: just these are forbidden.
  .regex(/^[^/\u0000-\u001f]+$/)
  .refine((one) => one !== '.' && one !== '..');

/** Up some directories, then down into the years, as album links go. */
const target = z
  .string()
  .max(4096)
  .regex(/^(?:\.\.\/)+years\/.+$/)
  .refine((one) => !one.includes('\0'))
  .refine((one) => !/\/(?:\.\.?)?(?:\/|$)/.test(one.replace(/^(?:\.\.\/)+/, '/')));

const description = z.object({
  description: text.optional(),
  people: z.array(text).optional(),
  place: z.tuple([z.number(), z.number()]).optional(),
  favorited: z.boolean().optional(),
  archived: z.boolean().optional(),
});

const choice = z.object({
  years: z.array(text),
  albums: z.array(text),
  kinds: z.array(z.enum(mediaKinds)),
});

const role = z.enum(['original', 'edited', 'motion', 'sidecar']);

const newFile = z.object({
  ino,
  parent: ino,
  cookie: whole,
  name,
  role,
  sourceName: text.optional(),
  size: whole,
  crc32,
  mtime: time,
  places: z.array(z.tuple([whole, text])),
});

const record = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('new'),
    item: whole,
    account: text,
    photoId: text.optional(),
    title: text,
    takenAt: time.optional(),
    provisional: z.boolean(),
    description,
    exportId: text,
    exportTime: time,
    files: z.array(newFile),
  }),
  z.object({
    type: z.literal('inode'),
    ino,
    kind: z.enum(['file', 'directory', 'symlink']),
    parent: ino,
    cookie: whole,
    name,
    size: whole,
    mtime: time,
    ctime: time,
    target: target.optional(),
  }),
  z.object({ type: z.literal('entry'), ino, parent: ino, cookie: whole, name }),
  z.object({
    type: z.literal('file'),
    ino,
    item: whole,
    role,
    name: text,
    size: whole,
    crc32,
  }),
  z.object({
    type: z.literal('item'),
    item: whole,
    account: text,
    photoId: text.optional(),
    title: text,
    takenAt: time.optional(),
    provisional: z.boolean(),
    factsTime: time,
    description,
  }),
  z.object({
    type: z.literal('album'),
    directory: ino,
    account: text,
    folder: text,
    title: text,
    date: time.nullable(),
  }),
  z.object({ type: z.literal('member'), ino, directory: ino, cookie: whole }),
  z.object({
    type: z.literal('place'),
    ino,
    exportId: text,
    exportTime: time,
    offset: whole,
    address: text,
    size: whole,
    crc32,
  }),
  z.object({ type: z.literal('correction'), ino, was: whole }),
  z.object({ type: z.literal('attributes'), ino, size: whole, mtime: time, ctime: time, nlink: whole }),
  z.object({ type: z.literal('cached'), ino, path: text, size: whole, sha256 }),
  z.object({ type: z.literal('superseded'), ino, path: name, size: whole, sha256 }),
  z.object({
    type: z.literal('layout'),
    years: z.enum(['yearly', 'monthly']),
    albums: z.enum(['symlink', 'hardlink']),
    filter: z.object({ only: choice, skip: choice }).optional(),
  }),
]);

/** A record from its line; undefined for one that is none. */
export function parseJournalLine(line: string): JournalRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = record.safeParse(value);
  return parsed.success ? (parsed.data as JournalRecord) : undefined;
}

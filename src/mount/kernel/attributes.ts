/** Names and attributes: lookup, getattr, links, extended attributes, statfs, and the references they leave behind. */
import { errno } from '../errno.ts';
import { foreignSpaces } from '../xattr.ts';
import { putAbsence, putGetattr, putLookup, putStatfs, putXattrSize } from './answer.ts';
import {
  accessIn,
  answerHeaderLength,
  attrOutLength,
  batchForgetIn,
  entryOutLength,
  forgetIn,
  getxattrIn,
  request as header,
  readUint64,
  statfsOutLength,
  xattrSizeOutLength,
} from './protocol.ts';
import { nameAt, type Request } from './request.ts';
import { fail, type Handler, ok, type Session } from './session.ts';

export const lookup: Handler = (session, request) => {
  const name = nameAt(request, header.body);
  if (name === 'too-long') return fail(session, request, errno.ENAMETOOLONG);
  const attributes = name && session.filesystem.lookup(request.nodeid, name.name);
  if (attributes === undefined) {
    putAbsence(session.answer);
    ok(session, request, entryOutLength);
    return;
  }
  putLookup(session.answer, session.ways.shown(attributes), session.presentation);
  if (ok(session, request, entryOutLength)) session.lookups.add(attributes.ino);
};

/** FORGET, which takes no answer. */
export const forget: Handler = (session, request) => {
  request.answered = true;
  session.lookups.forget(request.nodeid, readUint64(request.bytes, forgetIn.count));
};

/** BATCH_FORGET, which takes no answer. */
export const batchForget: Handler = (session, request) => {
  request.answered = true;
  const { bytes } = request;
  const count = bytes.readUInt32LE(batchForgetIn.count);
  for (let index = 0; index < count; index++) {
    const at = batchForgetIn.first + index * batchForgetIn.length;
    session.lookups.forget(readUint64(bytes, at), readUint64(bytes, at + 8));
  }
};

export const getattr: Handler = (session, request) => {
  const attributes = session.filesystem.getattr(request.nodeid);
  // ESTALE and not ENOENT: the kernel then looks the whole path up again and finds out what is there now.
  if (attributes === undefined) return fail(session, request, errno.ESTALE);
  putGetattr(session.answer, session.ways.shown(attributes), session.presentation);
  ok(session, request, attrOutLength);
};

export const readlink: Handler = (session, request) => {
  const target = session.filesystem.readlink(request.nodeid);
  ok(session, request, session.answer.bytes.write(target, answerHeaderLength, 'utf8'));
};

export const statfs: Handler = (session, request) => {
  putStatfs(session.answer, session.filesystem.statfs());
  ok(session, request, statfsOutLength);
};

/** ACCESS: with `default_permissions` the kernel decides by mode and owner; this is for the rest. */
export const access: Handler = (session, request) => {
  const writing = 2;
  if ((request.bytes.readUInt32LE(accessIn.mask) & writing) !== 0) return fail(session, request, errno.EROFS);
  ok(session, request, 0);
};

/** Refused by their first bytes, before anything is decoded or looked up. */
const foreign = foreignSpaces.map((prefix) => Buffer.from(prefix));

export const getxattr: Handler = (session, request) => {
  const { bytes } = request;
  const start = getxattrIn.name;
  for (const prefix of foreign) {
    if (bytes.compare(prefix, 0, prefix.length, start, start + prefix.length) === 0) {
      return fail(session, request, errno.EOPNOTSUPP);
    }
  }
  const name = nameAt(request, start);
  const value =
    name === 'too-long' || name === undefined
      ? undefined
      : session.filesystem.getxattr(request.nodeid, name.name);
  if (value === undefined) return fail(session, request, errno.ENODATA);
  answerXattr(session, request, value);
};

export const listxattr: Handler = (session, request) => {
  const names = session.filesystem.listxattr(request.nodeid);
  answerXattr(session, request, Buffer.from(names.map((name) => `${name}\0`).join('')));
};

/** A caller that offers no room asks for the length; one that offers too little gets ERANGE (xattr(7)). */
function answerXattr(session: Session, request: Request, value: Buffer): void {
  const room = request.bytes.readUInt32LE(getxattrIn.size);
  if (room === 0) {
    putXattrSize(session.answer, value.length);
    ok(session, request, xattrSizeOutLength);
  } else if (room < value.length) {
    fail(session, request, errno.ERANGE);
  } else {
    value.copy(session.answer.bytes, answerHeaderLength);
    ok(session, request, value.length);
  }
}

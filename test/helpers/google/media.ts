/** Photos that the fake has, and the host that hands out their bytes by links that die. */
import type { Content, Exchange, FakeGoogle } from './fake-google.ts';

export interface FakeItem {
  readonly id: string;
  readonly filename: string;
  /** Default by the first bytes: a JPEG, else a video. */
  readonly mimeType?: string;
  /** RFC 3339; undefined where Google doesn't know. */
  readonly takenAt?: string | undefined;
  readonly width?: number;
  readonly height?: number;
  readonly description?: string;
  readonly bytes: Content;
  /** What Google scales it to, as `=w256-h256`. */
  readonly small?: Buffer;
  /** Of a video. */
  readonly status?: 'PROCESSING' | 'READY' | 'FAILED';
  /** What a HEAD says, where that isn't the truth. */
  readonly headSize?: number;
}

export interface FakeMedia {
  /** Of links, ms. */
  linkLifeMs: number;
  /** All links that were given so far die now. */
  killLinks(): void;
  linkOf(item: FakeItem, service: Service): string;
}

type Service = 'library' | 'picker';

/** Bytes that begin as a JPEG and don't repeat within themselves. */
export function jpeg(seed: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE((seed * 2_654_435_761 + at) >>> 0, at);
  Buffer.from('ffd8ffe000104a464946', 'hex').copy(bytes);
  return bytes;
}

/** The same as an MP4. */
export function mp4(seed: number, size: number): Buffer {
  const bytes = jpeg(seed, size);
  Buffer.from('000000186674797069736f6d', 'hex').copy(bytes);
  return bytes;
}

export function mimeTypeOf({ mimeType, bytes }: FakeItem): string {
  if (mimeType !== undefined) return mimeType;
  return headOf(bytes).subarray(4, 8).toString() === 'ftyp' ? 'video/mp4' : 'image/jpeg';
}

function headOf(bytes: Content): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : bytes.slice(0, Math.min(16, bytes.size));
}

/** Hands out `/media/SERVICE/LINK=d`. Links of the Picker want its token. */
export function addMedia(
  fake: FakeGoogle,
  find: (service: Service, id: string) => FakeItem | undefined,
  mayRead: (exchange: Exchange) => Promise<boolean>,
): FakeMedia {
  let deadBefore = 0;
  let counter = 0;
  const media: FakeMedia = {
    linkLifeMs: 3_600_000,
    killLinks: () => {
      deadBefore = counter + 1;
    },
    linkOf({ id }, service) {
      counter += 1;
      return `${fake.url}/media/${service}/${Date.now()}.${counter}.${Buffer.from(id).toString('base64url')}`;
    },
  };

  fake.use('/media', async (exchange) => {
    const [, service, at, number, coded, suffix] =
      /^\/(library|picker)\/(\d+)\.(\d+)\.([^=]*)(?:=(.*))?$/.exec(exchange.rest) ?? [];
    const isDead = Date.now() - Number(at) > media.linkLifeMs || Number(number) < deadBefore;
    const item = find(service as Service, Buffer.from(coded ?? '', 'base64url').toString());
    if (service === 'picker' && !(await mayRead(exchange))) return;
    if (isDead || suffix === undefined) return exchange.text(403, 'text/html', '<h1>403 Forbidden</h1>');
    if (item === undefined) return exchange.text(404, 'text/html', '<h1>404 Not Found</h1>');
    const isVideo = mimeTypeOf(item).startsWith('video/');
    const { headSize, bytes, small } = item;
    if (suffix === (isVideo ? 'w256-h256-no' : 'w256-h256'))
      return small === undefined
        ? exchange.text(404, 'text/html', '<h1>404 Not Found</h1>')
        : exchange.bytes(small, small[0] === 0xff ? 'image/jpeg' : 'image/png');
    if (suffix !== (isVideo ? 'dv' : 'd')) return exchange.text(400, 'text/html', '<h1>400</h1>');
    const type = mimeTypeOf(item);
    if (exchange.request.method === 'HEAD' && headSize !== undefined)
      return exchange.bytes({ size: headSize, slice: () => Buffer.alloc(0) }, type);
    return exchange.bytes(bytes, type);
  });
  return media;
}

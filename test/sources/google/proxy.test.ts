/** A company proxy that looks into TLS: HTTPS_PROXY, NO_PROXY and NODE_EXTRA_CA_CERTS as users set them. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, request as httpRequest, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPlace } from '../../cli/run-program.ts';
import { type FakeGoogle, startFakeGoogle } from '../../helpers/google/fake-google.ts';
import { writeGoogleHome } from '../../helpers/google/google-home.ts';
import { addPhotos } from '../../helpers/google/photos.ts';
import { fakePhoto } from '../../helpers/google/photos-home.ts';
import { startTokenProcess, type TokenTask } from '../../helpers/google/token-process.ts';

let folder: string;
let fake: FakeGoogle;
/** The fake behind TLS, with a certificate of the company's own. */
let tls: Server;
let proxy: Server;
let tunnels: string[] = [];
let refusal: string | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gphotosfs-proxy-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...ec,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=Company CA',
  );
  openssl(
    'req',
    ...ec,
    '-keyout',
    'host.key',
    '-out',
    'host.csr',
    '-subj',
    '/CN=photos.example',
    '-addext',
    'subjectAltName=DNS:photos.example',
  );
  openssl(
    'x509',
    '-req',
    '-in',
    'host.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-out',
    'host.pem',
    '-days',
    '2',
    '-copy_extensions',
    'copy',
  );
  fake = await startFakeGoogle();
  fake.use('/library/v1/x', (exchange) => exchange.json(200, {}));
  tls = createTlsServer(
    { key: readFileSync(join(folder, 'host.key')), cert: readFileSync(join(folder, 'host.pem')) },
    (incoming, response) => {
      const { method, url, headers } = incoming;
      const onward = httpRequest(`${fake.url}${url}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      incoming.pipe(onward);
    },
  );
  proxy = createHttpServer((_, response) => response.writeHead(400).end());
  proxy.on('connect', (incoming, socket) => {
    tunnels.push(incoming.url ?? '');
    if (refusal !== undefined) return void socket.end(`HTTP/1.1 ${refusal}\r\n\r\n`);
    // A name that only the proxy knows.
    const onward = connect((tls.address() as AddressInfo).port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const one of [socket, onward]) one.on('error', () => {});
  });
  for (const server of [tls, proxy]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
});
afterAll(async () => {
  for (const server of [tls, proxy]) {
    server.closeAllConnections();
    server.close();
  }
  await fake.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  tunnels = [];
  refusal = undefined;
  fake.requests.length = 0;
});

const base = 'https://photos.example';

function callThrough(env: Readonly<Record<string, string>>, more: Partial<TokenTask> = {}) {
  writeGoogleHome(folder, fake, { token: { renewAt: 0 } });
  const { consent, revoke, picker, drive } = fake.endpoints;
  const task: TokenTask = {
    endpoints: {
      consent,
      revoke,
      picker,
      drive,
      contentHosts: [],
      token: `${base}/oauth2/token`,
      library: `${base}/library`,
    },
    secretPath: join(folder, 'client_secret.json'),
    tokenPath: join(folder, 'token.json'),
    url: `${base}/library/v1/x`,
    patience: { totalMs: 500, offlineMs: 500, firstWaitMs: 50 },
    ...more,
  };
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return startTokenProcess(task, Promise.resolve(), { HTTPS_PROXY: proxyUrl, ...env });
}

describe('behind a company proxy', () => {
  it('the sign-in and the calls go through it, by certificates that the owner trusts', async () => {
    const { code, said } = await callThrough({ NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') });
    expect(`${code} ${said}`).toBe('0 ready\n');
    expect(new Set(tunnels)).toEqual(new Set(['photos.example:443']));
    expect(fake.requests.map(({ path, authorized }) => `${path} ${authorized}`)).toEqual([
      '/oauth2/token false',
      '/library/v1/x true',
    ]);
  });

  it('a certificate that is not trusted is told, with what to do', async () => {
    const { code, said } = await callThrough({});
    expect(code).toBe(1);
    expect(said).toContain('the certificate of photos.example is not trusted');
    expect(said).toContain('NODE_EXTRA_CA_CERTS');
    expect(tunnels.length).toBeGreaterThan(0);
    expect(fake.requests).toEqual([]);
  });

  it('a proxy that refuses is told', async () => {
    refusal = '407 Proxy Authentication Required';
    const { code, said } = await callThrough({ NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') });
    expect(code).toBe(1);
    expect(said).toContain('the proxy refuses to connect to photos.example');
    expect(said).toContain('407');
  });

  it('a host of NO_PROXY is reached without it', async () => {
    const { code, said } = await callThrough({ NO_PROXY: 'photos.example' });
    expect(code).toBe(1);
    expect(said).toContain("can't be reached");
    expect(tunnels).toEqual([]);
  });

  it('a library is listed and prefetched through it, by threads too, and no byte goes past it', async () => {
    const photos = addPhotos(fake);
    const { linkOf } = photos.media;
    photos.media.linkOf = (item, service) => linkOf(item, service).replace(fake.url, base);
    photos.items = Array.from({ length: 120 }, (_, at) => fakePhoto(at));
    const place = createPlace({
      ...fake.env,
      GPHOTOSFS_TOKEN_URL: `${base}/oauth2/token`,
      GPHOTOSFS_LIBRARY_URL: `${base}/library`,
      HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    });
    try {
      writeGoogleHome(place.home, fake);
      await place.run('add', 'library');
      expect((await place.run('sync')).code).toBe(0);
      const done = await place.run('prefetch', '--log-level', 'debug');
      expect(done.code, done.stderr).toBe(0);
      expect(done.stderr).not.toContain('a thread could not fetch');
      expect(readFileSync(join(place.cache, 'years/2021/p119.jpg'))).toEqual(photos.items[119]?.bytes);
    } finally {
      await place.clean();
    }
    expect(new Set(tunnels)).toEqual(new Set(['photos.example:443']));
    expect(new Set(fake.requests.map(({ host }) => host))).toEqual(new Set(['photos.example']));
  });
});

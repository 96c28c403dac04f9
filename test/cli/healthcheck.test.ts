/** The ping after a run, against a real server. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlace, type Place } from './run-program.ts';

let place: Place;
let server: Server;
let asked: string[];
let answer: 'ok' | 'error' | 'never';
beforeEach(async () => {
  place = createPlace();
  asked = [];
  answer = 'ok';
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (answer === 'never') return;
    response.statusCode = answer === 'ok' ? 200 : 503;
    response.end('noted');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await place.clean();
});

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/ping/uuid`;

describe('the health check', () => {
  it('is told how a run ended, and changes nothing by its own answer', async () => {
    const failed = await place.run('prefetch', '--healthcheck', url());
    expect(failed.code).toBe(2);
    expect((await place.run('verify', '--healthcheck', url())).code).toBe(0);
    expect(asked).toEqual(['GET /ping/uuid/fail', 'GET /ping/uuid']);
    answer = 'error';
    const refused = await place.run('verify', '--healthcheck', url());
    expect(refused.code).toBe(0);
    expect(refused.stderr).toContain('the health check was not reached: 127.0.0.1:');
  });

  it('is given up after a while', async () => {
    answer = 'never';
    const ended = await place.run('verify', '--healthcheck', url());
    expect(ended.code).toBe(0);
    expect(asked).toEqual(['GET /ping/uuid']);
    expect(ended.stderr).toContain('the health check was not reached');
  });

  it('must be an address', async () => {
    const wrong = await place.run('verify', '--healthcheck', 'no address');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('--healthcheck: "no address" is not allowed');
  });
});

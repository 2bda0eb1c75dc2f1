import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Answer } from '../support/exchange.ts';
import type { TestGatewayOptions } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import {
  APP,
  bodyOf,
  claimsOf,
  FRAME,
  preauth,
  preauthBytes,
  refused,
  startPreauth,
} from '../support/preauth.ts';
import type { PreauthRequest } from '../support/preauth.ts';
import { startEmbedded } from '../support/preauth-embedded.ts';
import { RawSocket } from '../support/raw-socket.ts';

const scope = failOnLeaks();

const start = (
  environment?: TestGatewayOptions['environment'],
  hooks?: TestGatewayOptions['hooks'],
) => startPreauth(scope, environment, hooks);

const corsOf = ({ headers }: Answer): Readonly<Record<string, string>> =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

describe('CORS', () => {
  it('names a listed origin, also where it is refused, and nothing for others', async () => {
    const { port } = await start();
    const listed = {
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
    };
    assert.deepEqual(corsOf(await preauth(port)), listed);
    assert.deepEqual(corsOf(await preauth(port, { claims: { mode: 'x' } })), listed);
    assert.deepEqual(
      corsOf(await preauth(port, { headers: { 'X-Forwarded-Proto': 'http' } })),
      listed,
    );
    for (const Origin of [
      'https://evil.test',
      'https://app.test.evil.test',
      'http://app.test',
      'https://app.test:444',
      'https://APP.test',
      'https://app.test.',
      'https://app.test/',
      'null',
      '*',
      '',
    ]) {
      const answer = await preauth(port, { headers: { Origin } });
      assert.equal(refused(answer), '403 origin_denied', Origin);
      assert.deepEqual(corsOf(answer), {}, Origin);
      const asked = await preauth(port, { method: 'OPTIONS', headers: { Origin } });
      assert.equal(refused(asked), '403 origin_denied', Origin);
      assert.deepEqual(corsOf(asked), {}, Origin);
    }
  });

  it('answers what a browser asks first, exactly, and lets no embedder send credentials', async () => {
    const { port } = await start();
    const ask = (Origin: string): Promise<Answer> =>
      preauth(port, {
        method: 'OPTIONS',
        headers: {
          Origin,
          Authorization: undefined,
          'Content-Type': undefined,
          'X-Postern-Preauth': undefined,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'content-type,x-postern-preauth,x-other',
        },
      });
    const exact = {
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'Authorization, Content-Type, X-Postern-Preauth',
      'access-control-max-age': '600',
    };
    const page = await ask(APP);
    assert.equal(page.status, 204);
    assert.equal(page.body, '');
    assert.deepEqual(corsOf(page), {
      ...exact,
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
    });
    assert.deepEqual(corsOf(await ask(FRAME)), { ...exact, 'access-control-allow-origin': FRAME });
  });
});

describe('The host of a request', () => {
  it('is named once, and is a host, where any is allowed', async () => {
    const { port } = await start({ POSTERN_ALLOWED_HOSTS: '*' });
    const by = (Host: string, lines: readonly string[] = []): Promise<Answer> =>
      preauth(port, { headers: { Host }, lines });
    assert.equal((await by('any.test')).status, 200);
    for (const host of ['', 'a b', 'any.test/x?', 'any.test@evil.test', 'any.test, evil.test'])
      assert.equal(refused(await by(host)), '421 host_denied', host);
    assert.equal(refused(await by('any.test', ['Host: evil.test'])), '421 host_denied');
    assert.equal(refused(await by('any.test', ['hOST: any.test'])), '421 host_denied');
  });
});

describe('The origin of a request', () => {
  it('is refused when there are two, in either order, and when null is listed', async () => {
    const { port } = await start();
    for (const [Origin, other] of [
      [APP, 'https://evil.test'],
      ['https://evil.test', APP],
      [APP, APP],
    ]) {
      const answer = await preauth(port, { headers: { Origin }, lines: [`Origin: ${other}`] });
      assert.equal(refused(answer), '403 origin_denied');
      assert.deepEqual(corsOf(answer), {});
    }
  });

  it('may be missing with Authorization and no cookie, or where Referer names a listed one', async () => {
    const { port } = await start({
      POSTERN_PUBLIC_URL: 'https://rt.test',
      POSTERN_SITE_COOKIE: 's',
    });
    const by = (headers: PreauthRequest['headers']): Promise<Answer> =>
      preauth(port, { headers: { Origin: undefined, ...headers } });
    const originFor = async (headers: PreauthRequest['headers'] = {}) => {
      const answer = await by(headers);
      assert.deepEqual(answer.status, 200, answer.body);
      return claimsOf(bodyOf(answer)['csrfToken'])['ori'];
    };

    assert.equal(await originFor(), 'https://rt.test');
    assert.equal(await originFor({ Referer: `${APP}/page?x` }), APP);
    assert.equal(await originFor({ Referer: `${APP}/page`, Cookie: 'a=b' }), APP);
    for (const headers of [
      { Cookie: 'a=b' },
      { Authorization: undefined },
      { Cookie: 'a=b', Referer: 'https://app.test.evil.test/' },
      { Cookie: 'a=b', Referer: `https://evil.test/?${APP}/` },
    ])
      assert.equal(refused(await by(headers)), '403 origin_missing', JSON.stringify(headers));
  });

  it('that nobody has is what tickets are for where the gateway knows none of its own', async () => {
    const { port } = await start();
    const answer = await preauth(port, { headers: { Origin: undefined } });
    assert.equal(claimsOf(bodyOf(answer)['csrfToken'])['ori'], 'null');
  });
});

describe('The header that makes a browser ask first', () => {
  it('counts by its value, once', async () => {
    const { port } = await start();
    for (const value of ['', '0', 'true', '1, 1', '11'])
      assert.equal(
        refused(await preauth(port, { headers: { 'X-Postern-Preauth': value } })),
        '400 preflight_required',
        value,
      );
  });
});

describe('The body', () => {
  const padded = (bytes: number): string => `{}${' '.repeat(bytes - 2)}`;

  it('has up to 4 KiB, as it says or in chunks', async () => {
    const { port } = await start();
    const chunked = (body: string): PreauthRequest => ({
      headers: { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' },
      body: `${body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`,
    });
    assert.equal((await preauth(port, { body: padded(4_096) })).status, 200);
    assert.equal((await preauth(port, chunked(padded(4_096)))).status, 200);
    assert.equal((await preauth(port, chunked(''))).status, 200);
    assert.equal(refused(await preauth(port, { body: padded(4_097) })), '413 too_big');
    assert.equal(refused(await preauth(port, chunked(padded(4_097)))), '413 too_big');
  });

  it('that goes on for ever is counted as it arrives, and its connection is closed', async () => {
    const { port } = await start();
    for (const headers of [
      { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' },
      { 'Content-Length': '1000000000' },
    ]) {
      const socket = await RawSocket.connect(port);
      scope.after(() => Promise.resolve(socket.destroy()));
      const head = await preauthBytes(port, { headers: { ...headers, Connection: 'keep-alive' } });
      socket.write(head);
      if ('Transfer-Encoding' in headers) socket.write(`1001\r\n${'x'.repeat(4_097)}`);
      const answer = await socket.responseHead();
      assert.equal(answer.status, 413);
      assert.equal(answer.headers.get('connection'), 'close');
      await socket.ended();
    }
  });

  it('is empty or an object, whose other members are ignored', async () => {
    const { port } = await start();
    for (const body of [
      '{',
      '[]',
      'null',
      '""',
      ' ',
      '\xef\xbb\xbf{}',
      '{"channels":["\xff"]}',
      '{"channels":"chat"}',
      '{"channels":[1]}',
      '{"channels":[""]}',
      '{"channels":["user:{sub}"]}',
      '{"channels":null}',
      '{"embed":1}',
      '{"session":1}',
    ])
      assert.equal(refused(await preauth(port, { body })), '400 bad_message', body);
    for (const body of ['', '{}', '{"session":"s","embed":false,"other":[{}]}'])
      assert.equal((await preauth(port, { body })).status, 200, body);
  });

  it('that a program has read already is missed, and not taken for an empty one', async () => {
    const { port, events } = await startEmbedded(scope, {
      basePath: '/realtime',
      readsBodies: true,
    });
    const request = { target: '/realtime/preauth', body: '{"channels":["chat"]}' };
    assert.equal((await preauth(port, request)).status, 500);
    assert.deepEqual(events.filter((event) => event === 'request_failed').length, 1);
  });

  it('may be left out with a type that has parameters, and not with another one', async () => {
    const { port } = await start();
    const by = async (type: string | undefined): Promise<number> =>
      (await preauth(port, { headers: { 'Content-Type': type } })).status;
    assert.equal(await by('Application/JSON ; charset=utf-8'), 200);
    for (const type of [undefined, 'text/plain; application/json', 'application/jsonp', 'x'])
      assert.equal(await by(type), 415, type);
  });
});

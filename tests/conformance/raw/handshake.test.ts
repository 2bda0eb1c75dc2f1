import assert from 'node:assert/strict';
import { it } from 'node:test';

import { handshake } from '../../support/exchange.ts';
import type { Handshake } from '../../support/exchange.ts';
import { failOnLeaks } from '../../support/leaks.ts';
import { WsClient } from '../../support/ws-client.ts';
import { describeOn } from '../suites.ts';
import { pathOf, startTargets } from '../targets.ts';

const ANY_CHANNEL = { mode: 'rw' } as const;
const CHAT = { mode: 'rw', channel: 'chat' } as const;

/**
 * Handshakes that are none, each with a good token in its path, and the status of the answer; then that
 * of a proxy's, where it makes a handshake of it.
 */
const malformed: Readonly<Record<string, readonly [Handshake, number, number?]>> = {
  'a POST': [{ method: 'POST' }, 405],
  'a HEAD': [{ method: 'HEAD' }, 405],
  'an OPTIONS': [{ method: 'OPTIONS' }, 405],
  'HTTP/1.0': [{ version: 'HTTP/1.0' }, 400, 101],
  'no Host': [{ headers: { Host: undefined } }, 400],
  'no Connection': [{ headers: { Connection: undefined } }, 400, 101],
  'Connection: close': [{ headers: { Connection: 'close' } }, 400, 101],
  'no Upgrade': [{ headers: { Upgrade: undefined } }, 400],
  'an upgrade to something else': [{ headers: { Upgrade: 'h2c' } }, 400],
  'no version': [{ headers: { 'Sec-WebSocket-Version': undefined } }, 426],
  'version 8': [{ headers: { 'Sec-WebSocket-Version': '8' } }, 426],
  'version 13 and another one': [{ headers: { 'Sec-WebSocket-Version': '13, 8' } }, 426],
  'no key': [{ headers: { 'Sec-WebSocket-Key': undefined } }, 400],
  'a key of the wrong length': [{ headers: { 'Sec-WebSocket-Key': btoa('short') } }, 400],
  'two keys': [{ lines: ['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='] }, 400],
  'a body': [{ headers: { 'Content-Length': '5' }, body: 'hello' }, 400],
};

/** What a handshake at /ws hears that offers no protocol. */
const NOT_OFFERED = [400, 'Bad handshake: Sec-WebSocket-Protocol must offer postern.v1'] as const;

const scope = failOnLeaks();

for (const target of await startTargets()) {
  const refused = async (path: string): Promise<readonly [number, string]> => {
    const { status, body } = await target.handshake({ target: path });
    return [status, body];
  };
  /** The channel of a connection that is let in: what it sends is said to come from there. */
  const channelBehind = async (path: string): Promise<unknown> => {
    const client = await WsClient.connect(`${target.wsUrl}${path}`);
    scope.after(() => client.close());
    client.send('');
    return JSON.parse(await client.message()).channel;
  };

  describeOn(target, 'the handshake', () => {
    it('switches protocols, without a subprotocol and without compression', async () => {
      const { status, headers } = await target.handshake({
        target: await pathOf(CHAT),
        headers: {
          'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
          'Sec-WebSocket-Protocol': 'postern.bearer.secret, chat',
          'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
        },
      });
      assert.equal(status, 101);
      const { server, date, ...own } = Object.fromEntries(headers);
      assert.equal(server !== undefined && date !== undefined, target.isProxied);
      assert.deepEqual(own, {
        upgrade: 'websocket',
        connection: target.isProxied ? 'upgrade' : 'Upgrade',
        'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      });
    });

    it('takes header names and words in any case, and Upgrade among other words', async () => {
      const { status } = await target.handshake({
        target: await pathOf(CHAT),
        headers: { Upgrade: undefined, Connection: undefined },
        lines: ['UPGRADE: WebSocket', 'connection: keep-alive, UPGRADE'],
      });
      assert.equal(status, 101);
    });

    for (const [what, [request, direct, proxied = direct]] of Object.entries(malformed)) {
      it(`is none with ${what}: ${direct}`, async () => {
        const status = target.isProxied ? proxied : direct;
        const answer = await target.handshake({ target: await pathOf(CHAT), ...request });
        assert.equal(answer.status, status);
        if (status === 405) assert.equal(answer.headers.get('allow'), 'GET');
        if (status === 426) assert.equal(answer.headers.get('sec-websocket-version'), '13');
        if (!target.isProxied) assert.equal(answer.headers.get('connection'), 'close');
      });
    }

    it('finds the token alone and behind a channel', async () => {
      assert.equal(await channelBehind(await pathOf(CHAT)), 'chat');
      assert.equal(await channelBehind(await pathOf(CHAT, 'chat')), 'chat');
    });

    it('ignores the query', async () => {
      assert.equal(await channelBehind(`${await pathOf(CHAT)}?a=b/c`), 'chat');
      assert.equal(await channelBehind(`${await pathOf(CHAT, 'chat')}?x=1&y=%zz?#`), 'chat');
    });

    it('ignores a slash and further elements behind channel and token', async () => {
      const path = await pathOf(CHAT, 'chat');
      for (const more of ['/', '/more', '/more/and/more', '//'])
        assert.equal(await channelBehind(path + more), 'chat', more);
    });

    it('does not decode what stands behind channel and token', async () => {
      const path = `${await pathOf(CHAT, 'chat')}/%zz`;
      if (target.isProxied) assert.equal((await refused(path))[0], 400);
      else assert.equal(await channelBehind(path), 'chat');
    });

    it('decodes the channel, once', async () => {
      const token = await pathOf(ANY_CHANNEL);
      const names = {
        'caf%C3%A9': 'café',
        'a%2Fb': 'a/b',
        '%2541': '%41',
        'a+b': 'a+b',
        '%3F': '?',
      };
      for (const [encoded, name] of Object.entries(names))
        assert.equal(await channelBehind(`/${encoded}${token}`), name);
    });

    it('refuses a channel that is not UTF-8 in percent-encoding', async () => {
      const token = await pathOf(ANY_CHANNEL);
      for (const channel of ['%', '%zz', '%ff', '%C3', '%ED%A0%80', '%C0%AF']) {
        const [status, body] = await refused(`/${channel}${token}`);
        assert.equal(status, 400, channel);
        const isAnsweredByProxy = target.isProxied && !/^(%[0-9A-F]{2})+$/i.test(channel);
        if (!isAnsweredByProxy) assert.match(body, /^Bad handshake: The path names/);
      }
    });

    it('refuses a target that is not in ASCII', async () => {
      const token = await pathOf(ANY_CHANNEL);
      for (const channel of ['caf\xe9', 'caf\xc3\xa9', '\0', '\x01'])
        assert.equal((await refused(`/${channel}${token}`))[0], 400, channel);
    });

    it('knows its fixed routes exactly, and all others as channels', async () => {
      assert.deepEqual(await refused('/ws'), NOT_OFFERED);
      assert.deepEqual(await refused('/ws?csrf=x'), NOT_OFFERED);
      for (const path of ['/preauth', '/sse', '/healthz', '/readyz'])
        assert.deepEqual(await refused(path), [404, 'Not found'], path);

      const token = await pathOf(ANY_CHANNEL);
      for (const name of ['ws', 'preauth', 'sse', 'healthz', 'readyz'])
        assert.equal(await channelBehind(`/${name}${token}`), name);
    });

    it('refuses a target that is no path; a whole URL is one to a proxy, and a program’s own', async () => {
      const path = `${target.basePath}${await pathOf(CHAT)}`;
      const answerTo = async (whole: string) =>
        (await handshake(target.place, { target: whole })).status;
      assert.equal(await answerTo(`x${path}`), 400);

      // Below no base path it is the program's to answer: Hono takes no URL but one of http.
      const direct = target.basePath === '' ? [400] : [404, 400];
      const expected = target.isProxied ? [101] : direct;
      for (const start of ['http://127.0.0.1', 'ws://127.0.0.1'])
        assert.ok(expected.includes(await answerTo(start + path)), start);
    });
  });
}

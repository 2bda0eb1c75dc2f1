import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { startExample } from '../support/example.ts';
import { handshake, request } from '../support/exchange.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { filesBelow } from '../support/pages.ts';
import { SECRET, signToken } from '../support/tokens.ts';
import { WsClient } from '../support/ws-client.ts';

const CHAT = { mode: 'rw', channels: ['chat'], exp: 2e9 } as const;

/** What each answers at `/`, and to a WebSocket that is not the gateway's; `echo`: it has its own. */
const examples = {
  'node-http': { home: 'hello from node:http\n', elsewhere: 'echo' },
  express: { home: 'hello from Express\n', elsewhere: 404 },
  fastify: { home: 'hello from Fastify\n', elsewhere: 404 },
  hono: { home: 'hello from Hono\n', elsewhere: 404 },
} as const;

/** Those have tests of their own, by their pages and programs. */
const testedElsewhere = [
  'browser-login',
  'chat',
  'live-table',
  'react-todo',
  'server-to-server',
  'token-renewal',
];

const scope = failOnLeaks();

const connect = async (url: string): Promise<WsClient> => {
  const client = await WsClient.connect(url);
  scope.after(() => Promise.resolve(client.terminate()));
  return client;
};

describe('The example', () => {
  for (const [name, { home, elsewhere }] of Object.entries(examples)) {
    it(`${name} has a gateway, and routes of its own, until SIGTERM`, async () => {
      const { child, port, query } = await startExample(scope, name, {
        JWT_SECRET: SECRET,
      });
      const get = (target: string) => request(port, { target });
      const client = await connect(`ws://127.0.0.1:${port}/postern/chat/${await signToken(CHAT)}`);
      client.send('hello');
      assert.match(await client.message(), /"payload":"hello"/);
      const text = '{"channel":"chat","payload":"from SQL"}';
      await query(`select pg_notify('postgres-websockets-listener', $1)`, [text]);
      assert.equal(await client.message(), text);

      const { status, body } = await get('/');
      assert.deepEqual([status, body], [200, home]);
      assert.match((await get('/postern/readyz')).body, /"database":"up"/);
      assert.equal((await get('/postern/elsewhere')).body, 'Not found\n');

      if (elsewhere === 'echo') {
        const other = await connect(`ws://127.0.0.1:${port}/other`);
        other.send('mine');
        assert.equal(await other.message(), 'mine');
        await other.close();
      } else {
        const answer = await handshake(port, { target: '/other' });
        const plain = await get('/other');
        assert.deepEqual([answer.status, answer.body], [elsewhere, plain.body]);
      }

      child.signal('SIGTERM');
      assert.deepEqual(await client.closed(60_000), { code: 1001, reason: 'Going away' });
      assert.deepEqual(await child.exited(60_000), { code: 0, signal: undefined });
    });
  }

  it('is in the list above, whatever its name', () => {
    const there = filesBelow('examples').map((path) => path.split('/').at(-2));
    assert.deepEqual(new Set(there), new Set([...Object.keys(examples), ...testedElsewhere]));
  });
});

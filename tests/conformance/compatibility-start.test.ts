import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { handshake } from '../support/exchange.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { SECRET } from '../support/tokens.ts';
import { WsClient } from '../support/ws-client.ts';
import { startCompatibly } from './compatibility-start.ts';
import { pathOf } from './targets.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

describe('A compatibility start', () => {
  it('says so in one line of the log, and names the safer settings', async () => {
    const { child, events, ready } = startCompatibly(scope, database);
    await ready();
    const warnings = events().filter(({ level }) => level === 'warn');
    assert.deepEqual(
      warnings.map(({ event }) => event),
      ['compatibility_start'],
    );
    assert.match(String(warnings[0]?.['safer']), /POSTERN_REQUIRE_EXP=true/);
    assert.equal(child.stderr, '');
  });

  it('lets in a token without exp, and one without channels to any', async () => {
    const { port } = await startCompatibly(scope, database).ready();
    const target = await pathOf({ mode: 'r' }, 'anything');
    assert.equal((await handshake(port, { target })).status, 101);
  });

  it('takes patterns and templates for names, until it is told otherwise', async () => {
    const claims = { mode: 'r', sub: 'ada', channels: ['room:*', '*', 'user:{sub}'] };
    const [room, user] = await Promise.all([pathOf(claims, 'room:1'), pathOf(claims, 'user:ada')]);

    const old = await startCompatibly(scope, database).ready();
    for (const target of [room, user])
      assert.equal((await handshake(old.port, { target })).body, 'No allowed channels');
    const literal = await pathOf(claims, 'user:{sub}');
    assert.equal((await handshake(old.port, { target: literal })).status, 101);

    const told = await startCompatibly(scope, database, {
      POSTERN_CHANNEL_PATTERNS: 'true',
    }).ready();
    for (const target of [room, user])
      assert.equal((await handshake(told.port, { target })).status, 101);
  });

  it('knows channels with modes of their own, by their names as they stand', async () => {
    const { port } = await startCompatibly(scope, database).ready();
    const url = `ws://127.0.0.1:${port}`;
    const channels = { news: 'r', chat: 'rw', 'room:*': 'rw' };
    for (const claims of [{ channels }, { channels, mode: 'rw' }]) {
      const [reader, other] = await Promise.all(
        ['news', 'chat'].map(async (name) =>
          WsClient.connect(`${url}${await pathOf(claims, name)}`),
        ),
      );
      reader?.send('not mine to say');
      other?.send('hello');
      assert.match((await other?.message()) ?? '', /"payload":"hello"/);
      assert.deepEqual(reader?.messages, []);
      await Promise.all([reader?.close(), other?.close()]);

      const target = await pathOf(claims, 'room:1');
      assert.equal((await handshake(port, { target })).body, 'No allowed channels');
    }
  });

  it('is none when the key is given as one of ours: no token is taken from the path', async () => {
    const { child, ready } = startCompatibly(scope, database, { POSTERN_JWT_SECRET: SECRET });
    const { port } = await ready();
    const target = await pathOf({ mode: 'r', channel: 'chat' });
    assert.equal((await handshake(port, { target })).status, 404);
    await child.line(/"event":"no_pages"/);
  });

  it('can be left step by step: what is said counts more than how it starts', async () => {
    const { port } = await startCompatibly(scope, database, {
      POSTERN_REQUIRE_EXP: 'true',
      POSTERN_OPEN_CHANNELS: 'false',
    }).ready();
    const [noExp, noChannel] = await Promise.all([
      pathOf({ mode: 'r', channel: 'chat' }),
      pathOf({ mode: 'r', exp: Math.ceil(Date.now() / 1000) + 60 }, 'chat'),
    ]);
    assert.match(
      (await handshake(port, { target: noExp })).body,
      /^Error: JWTClaimsSetDecodeError/,
    );
    assert.equal((await handshake(port, { target: noChannel })).body, 'No allowed channels');
  });
});

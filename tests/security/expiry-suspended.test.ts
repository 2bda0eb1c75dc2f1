import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { expectExpired, subscribeToChat } from '../support/expiry.ts';
import { opcodes } from '../support/frames.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import { enter } from '../support/rogue.ts';
import { serve } from '../support/served.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();

const NOTIFY_MANY = `SELECT count(pg_notify($1, format('{"channel":"chat","n":%s}', n)))
  FROM generate_series(1, 100) n`;

describe('A gateway that is stopped across the end of a token, and goes on', () => {
  it('delivers nothing that came meanwhile, and takes nothing that was said', async () => {
    const database = await freshDatabase(scope);
    const { url, channel, query } = database;
    const listener = await listen(scope, { url, channel });
    const target = await serve(scope, database);
    await target.ready();
    const witness = await target.client({ mode: 'r', channels: ['chat'], exp: inSeconds(600) });
    const exp = inSeconds(3);
    const claims = { mode: 'rw', channels: ['chat'], exp };
    const rogue = await enter(scope, target.port, claims);
    const page = await enter(scope, target.port, claims, 'v1');
    await subscribeToChat(page);
    assert.ok(Date.now() < exp * 1000, 'this computer is too slow to tell');

    process.kill(target.child.pid, 'SIGSTOP');
    await query(NOTIFY_MANY, [channel]);
    rogue.sendFrame({ opcode: opcodes.text, payload: 'said meanwhile' });
    page.sendFrame({ opcode: opcodes.text, payload: '{"type":"ping","id":1}' });
    await until('the end of the tokens', () => Date.now() > exp * 1000);
    process.kill(target.child.pid, 'SIGCONT');

    await expectExpired(rogue, 1_000);
    await expectExpired(page, 1_000);
    await until('all of it, for somebody else', () => witness.messages.length === 100);
    await witness.ping();
    assert.equal(rogue.unread.length + page.unread.length, 0);
    assert.equal((await listener.heard(100)).length, 100);
    await witness.close();
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { EventName } from '#gateway/observe/events.js';
import type { Log } from '#gateway/observe/log.js';

import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';

const scope = failOnLeaks();
const CHAT = { mode: 'rw', channel: 'chat', exp: 2e9 };

/** A log that throws at one event, as a bug at that place would, and remembers the others. */
function faulty(at: EventName): { readonly log: Log; readonly events: EventName[] } {
  const events: EventName[] = [];
  const log: Log = (event) => {
    if (event === at) throw new Error('A bug');
    events.push(event);
  };
  return { log, events };
}

describe('A bug', () => {
  it('in the handling of a message ends its sender with 1011, and nobody else', async () => {
    const { log, events } = faulty('message_too_big');
    const { client } = await startGateway(scope, {
      hooks: { log },
      environment: { POSTERN_MIGRATE: 'false' },
    });
    const [sender, other] = [await client(CHAT), await client(CHAT)];
    sender.send('x'.repeat(8_000));
    assert.deepEqual(await sender.closed(), { code: 1011, reason: 'Internal error' });
    assert.ok(events.includes('message_failed'));
    other.send('unharmed');
    assert.match(await other.message(), /unharmed/);
    await other.close();
  });

  it('in the admission ends the connection with 1011, for its handshake is answered', async () => {
    const { log, events } = faulty('session_started');
    const { client } = await startGateway(scope, { hooks: { log } });
    const closing = await (await client(CHAT)).closed();
    assert.deepEqual(closing, { code: 1011, reason: 'Internal error' });
    assert.ok(events.includes('handshake_failed'));
  });
});

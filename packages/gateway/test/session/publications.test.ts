import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChannelMode } from '@postern/client/protocol';
import { narrowed, scopeRules } from '#gateway/auth/scopes.js';
import type { Outcome } from '#gateway/postgres/outgoing.js';
import { createPublish } from '#gateway/session/publishing.js';
import type { V1Grant } from '#gateway/session/v1.js';
import { Antechamber } from './antechamber.ts';

function grantOf(channels: Readonly<Record<string, ChannelMode>>): V1Grant {
  return narrowed(scopeRules({ channels }, { sub: 'ada', patterns: true }), ['*']);
}

/** A session that may write to `inbox` and rooms, and a PostgreSQL that answers when it is told to. */
function setUp({ crowded = false } = {}) {
  const texts: string[] = [];
  const keys: (string | undefined)[] = [];
  const senders: unknown[] = [];
  const settlings: ((outcome: Outcome) => void)[] = [];
  const chamber: Antechamber = new Antechamber(
    {},
    {},
    {
      publish: (...message) => publish(...message),
    },
  );
  const publish = createPublish({
    publisher: {
      crowded,
      send: (sent, settle) => {
        senders.push(sent.sender);
        texts.push(...sent.texts);
        keys.push(sent.key);
        settlings.push(settle);
      },
    },
    log: chamber.parts.log,
    meters: chamber.meters,
  });
  const claims = { sub: 'ada', sid: 'login-1', jti: 'token-1' };
  const grant = grantOf({ news: 'r', 'room:*': 'rw', inbox: 'w' });
  const visit = chamber.enter({ grant, claims });
  let id = 0;
  const say = (channel: unknown, payload?: unknown, key?: string): void =>
    visit.say({ type: 'publish', id: ++id, channel, payload, key });
  const settle = (outcome: Outcome): void =>
    (settlings.shift() ?? assert.fail('Nothing was sent'))(outcome);
  const replies = (): readonly unknown[] => visit.socket.messages.slice(1);
  return { chamber, ...visit, say, texts, keys, senders, settle, replies };
}

function errorOf(id: number, code: string, message: string, retry = 'no') {
  return { type: 'error', id, code, message, retry };
}

describe('A message that is published on postern.v1', () => {
  it('is answered when PostgreSQL has committed it, and not before', () => {
    const { say, settle, replies } = setUp();
    say('inbox', 'hello');
    assert.deepEqual(replies(), []);
    settle('committed');
    assert.deepEqual(replies(), [{ type: 'ok', id: 1 }]);
  });

  it('takes its turn as one of its session', () => {
    const { chamber, session, say, senders } = setUp();
    const other = chamber.enter({ grant: grantOf({ inbox: 'w' }), claims: { sub: 'ada' } });
    say('inbox', 1);
    other.say({ type: 'publish', id: 1, channel: 'inbox', payload: 2 });
    assert.equal(senders[0], session);
    assert.equal(senders[1], other.session);
  });

  it('is the envelope of the raw protocol, with nobody’s business but the user’s', () => {
    const { say, texts } = setUp();
    say('inbox', 'he"llo');
    say('room:1', { b: [1, null], a: 'é' });
    assert.deepEqual(
      texts.map((text) => text.replace(/:\d+\.\d+,/, ':0,')),
      [
        '{"channel":"inbox","claims":{"message_delivered_at":0,"sub":"ada"},"event":"WebsocketMessage","payload":"he\\"llo"}',
        '{"channel":"room:1","claims":{"message_delivered_at":0,"sub":"ada"},"event":"WebsocketMessage","payload":"{\\"b\\":[1,null],\\"a\\":\\"é\\"}","payload_type":"json"}',
      ],
    );
  });

  it('is told what became of it, and not to be sent again where it may have arrived', () => {
    const { chamber, socket, say, settle, replies } = setUp();
    for (const outcome of ['unknown', 'overflow', 'rejected'] as const) {
      say('inbox', 'hello');
      settle(outcome);
      assert.equal(chamber.meters.counter('messagesPublished', { outcome }).value, 1);
    }
    assert.deepEqual(replies(), [
      errorOf(1, 'outcome_unknown', 'Backend unavailable', 'no'),
      errorOf(2, 'unavailable', 'Backend unavailable', 'yes'),
      errorOf(3, 'internal', 'Internal error', 'yes'),
    ]);
    assert.deepEqual(socket.done, []);
  });

  it('with a key may be sent again when nobody knows what became of it, and is told when it was', () => {
    const { chamber, say, settle, replies } = setUp();
    for (const outcome of ['committed', 'duplicate', 'unknown', 'no_keys'] as const) {
      say('inbox', 'hello', 'key-1');
      settle(outcome);
      assert.equal(chamber.meters.counter('messagesPublished', { outcome }).value, 1);
    }
    assert.deepEqual(replies(), [
      { type: 'ok', id: 1 },
      { type: 'ok', id: 2, duplicate: true },
      errorOf(3, 'outcome_unknown', 'Backend unavailable', 'yes'),
      errorOf(4, 'keys_unavailable', 'No key can be remembered here: publish without one'),
    ]);
    assert.deepEqual(chamber.logged.filter(({ event }) => event === 'message_not_sent').length, 2);
  });

  it('has a key of its user, its channel and its choice, which is 32 bytes', () => {
    const { chamber, say, keys } = setUp();
    const bob = chamber.enter({ grant: grantOf({ inbox: 'w' }), claims: { sub: 'bob' } });
    say('inbox', 'hello', 'key-1');
    say('inbox', 'something else', 'key-1');
    say('inbox', 'hello', 'key-2');
    say('room:1', 'hello', 'key-1');
    bob.say({ type: 'publish', id: 1, channel: 'inbox', payload: 'hello', key: 'key-1' });
    say('inbox', 'hello');
    assert.equal(keys[0], keys[1]);
    assert.equal(new Set(keys).size, 5);
    for (const key of keys.slice(0, -1)) assert.match(key ?? '', /^\\x[0-9a-f]{64}$/);
    assert.equal(keys.at(-1), undefined);
  });

  it('is refused where the channel is not granted for writing, or has no such name', () => {
    const { say, texts, replies } = setUp();
    for (const channel of ['news', 'other', 'room:*', 7]) say(channel, 'hello');
    say('inbox');
    assert.deepEqual(replies(), [
      errorOf(1, 'scope_denied', 'Forbidden'),
      errorOf(2, 'scope_denied', 'Forbidden'),
      errorOf(
        3,
        'bad_message',
        'A channel is named by 1 to 200 bytes, without *, {, } and control characters',
      ),
      errorOf(4, 'bad_message', 'A channel is a text that is not empty'),
      errorOf(5, 'bad_message', 'A publish needs a payload'),
    ]);
    assert.deepEqual(texts, []);
  });

  it('is refused when it cannot be carried, or nests too deep to be written', () => {
    const { chamber, say, texts, settle, replies } = setUp();
    say('inbox', 'x'.repeat(8_000));
    settle('too_big');
    assert.deepEqual(replies(), [errorOf(1, 'too_big', 'Message too big')]);
    assert.deepEqual(
      chamber.logged.filter(({ event }) => event.startsWith('message_')).map(({ event }) => event),
      ['message_too_big'],
    );
    texts.length = 0;

    const other = chamber.enter({ grant: grantOf({ inbox: 'w' }) });
    const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    other.say(`{"type":"publish","id":1,"channel":"inbox","payload":${nested}}`);
    const [, reply] = other.socket.messages;
    assert.deepEqual(reply, errorOf(1, 'bad_message', 'The payload nests too deep'));
    assert.deepEqual([texts, other.socket.done], [[], []]);
  });

  it('that would take more than a share of a crowd is not sent', () => {
    const { session, say, texts, replies } = setUp({ crowded: true });
    session.unsettledBytes = 1_048_576;
    say('inbox', 'hello');
    assert.deepEqual(
      [texts, replies()],
      [[], [errorOf(1, 'unavailable', 'Backend unavailable', 'yes')]],
    );
    assert.equal(session.unsettledBytes, 1_048_576);
  });

  it('costs nothing when its sender is gone before it was answered', () => {
    const { session, say, settle, replies } = setUp();
    say('inbox', 'hello');
    session.lose(1000);
    settle('committed');
    assert.deepEqual([replies(), session.unsettledBytes], [[], 0]);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  Envelopes,
  fitsNotification,
  LONGEST_NOTIFICATION_BYTES,
  readNotification,
} from '#gateway/postgres/envelope.js';

const NOW_MS = 1_795_309_153_722.135;
const envelopes = (): Envelopes => new Envelopes(() => NOW_MS);

/** What a program written for postgres-websockets finds in an envelope. */
interface Envelope {
  readonly channel: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly event: string;
  readonly payload: string;
}

const channelOf = (text: string): string => readNotification(text, 'db').channel;
const payloadOf = (text: string): unknown => readNotification(text, 'db').payload();

function parsed(text: string): Envelope {
  return JSON.parse(text) as Envelope;
}

describe('Envelopes', () => {
  it('writes a message as postgres-websockets does, byte for byte', () => {
    assert.equal(
      envelopes().message(
        'chat',
        { mode: 'rw', channel: 'chat', user: { name: 'A', id: 7 } },
        'hi',
      ),
      '{"channel":"chat","claims":{"channel":"chat","message_delivered_at":1795309153.722135,"mode":"rw","user":{"id":7,"name":"A"}},"event":"WebsocketMessage","payload":"hi"}',
    );
  });

  it('puts the time where the alphabet wants it, whatever the other claims are', () => {
    const claimsOf = (claims: Record<string, unknown>): string =>
      /"claims":(\{.*?\}),"event"/.exec(envelopes().message('c', claims, ''))?.[1] ?? '';

    assert.equal(claimsOf({}), '{"message_delivered_at":1795309153.722135}');
    assert.equal(claimsOf({ a: 1 }), '{"a":1,"message_delivered_at":1795309153.722135}');
    assert.equal(claimsOf({ z: 1 }), '{"message_delivered_at":1795309153.722135,"z":1}');
    assert.equal(
      claimsOf({ 'message_delivered_at!': 1, message_delivered: 2 }),
      '{"message_delivered":2,"message_delivered_at":1795309153.722135,"message_delivered_at!":1}',
    );
  });

  it('replaces a message_delivered_at that came with the token', () => {
    const claims = { message_delivered_at: 'forged', mode: 'w' };
    const text = envelopes().message('chat', claims, 'hi');
    assert.deepEqual(parsed(text).claims, {
      message_delivered_at: 1795309153.722135,
      mode: 'w',
    });
    assert.ok(!text.includes('forged'));
  });

  it('writes the payload as a JSON string, even when it is JSON itself', () => {
    const payload = '{"a": "\\u0000 \u2028 € 😀"}';
    const text = envelopes().message('chat', {}, payload);
    assert.ok(text.endsWith(`,"payload":${JSON.stringify(payload)}}`));
    assert.equal(parsed(text).payload, payload);
  });

  it('tells the meta channel of an admitted connection and its channels', () => {
    assert.equal(
      envelopes().connectionOpen('server', { mode: 'r' }, ['chat', 'news']),
      '{"channel":"server","claims":{"message_delivered_at":1795309153.722135,"mode":"r"},"event":"ConnectionOpen","payload":"chat,news"}',
    );
  });

  it('tells the meta channel of an ended connection and its close code', () => {
    assert.equal(
      envelopes().connectionClose('server', { mode: 'r' }, ['chat', 'news'], 3001),
      '{"channel":"server","claims":{"message_delivered_at":1795309153.722135,"mode":"r"},"code":3001,"event":"ConnectionClose","payload":"chat,news"}',
    );
  });

  it('makes no two equal texts, of one sender, of many, or of the meta channel', () => {
    const writer = envelopes();
    const [first, second] = [{ mode: 'w' }, { mode: 'w' }];
    const texts = [
      writer.message('chat', first, 'hi'),
      writer.message('chat', first, 'hi'),
      writer.message('chat', second, 'hi'),
      writer.connectionOpen('chat', first, []),
      writer.connectionOpen('chat', first, []),
      writer.connectionClose('chat', first, [], 1000),
      writer.connectionClose('chat', first, [], 1000),
    ];
    assert.equal(new Set(texts).size, texts.length);
  });

  it('keeps the claims of two senders apart', () => {
    const writer = envelopes();
    const [anna, bert] = [{ sub: 'anna' }, { sub: 'bert' }];
    const subjects = [anna, bert, anna].map(
      (claims) => parsed(writer.message('chat', claims, '')).claims['sub'],
    );
    assert.deepEqual(subjects, ['anna', 'bert', 'anna']);
  });

  it('brings every channel, claim and payload through', () => {
    const claims = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, claims, text, (channel, record, payload) => {
        const written = parsed(envelopes().message(channel, record, payload));
        assert.deepEqual(Object.keys(written), ['channel', 'claims', 'event', 'payload']);
        assert.equal(written.channel, channel);
        assert.equal(written.payload, payload);

        const expected = JSON.stringify({ ...record, message_delivered_at: 1795309153.722135 });
        assert.deepEqual(written.claims, JSON.parse(expected));
      }),
    );
  });

  it('writes what readNotification reads', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (channel) => {
        assert.equal(channelOf(envelopes().message(channel, {}, '')), channel);
      }),
    );
  });
});

describe('The channel of a notification', () => {
  it('is the string `channel` of a JSON object', () => {
    assert.equal(channelOf('{"channel":"chat"}'), 'chat');
    assert.equal(channelOf(' {"a":{"channel":"x"},"channel":"chat"}\n'), 'chat');
    assert.equal(channelOf('{"channel":""}'), '');
  });

  it('is the database channel for every other text', () => {
    const others = [
      '',
      ' ',
      'hello',
      '{',
      '{"channel":"chat"',
      '{"channel":"chat"}}',
      '{}',
      '{"channel":5}',
      '{"channel":null}',
      '{"channel":["chat"]}',
      '{"Channel":"chat"}',
      '{"__proto__":{"channel":"chat"}}',
      '["channel"]',
      '[{"channel":"chat"}]',
      '"channel"',
      'null',
      '5',
    ];
    for (const text of others) assert.equal(channelOf(text), 'db', text);
  });

  it('reads any text without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.equal(typeof channelOf(text), 'string');
        assert.notEqual(payloadOf(text), undefined);
      }),
    );
  });
});

describe('The payload of a notification', () => {
  it('is the member of that name, whatever it is', () => {
    for (const payload of ['hello', '', '{"a":1}', null, 0, false, [1], { a: [{}] }])
      assert.deepEqual(payloadOf(JSON.stringify({ channel: 'chat', payload })), payload);
    assert.equal(payloadOf(envelopes().message('chat', { sub: 'ada' }, 'hello')), 'hello');
  });

  it('is read where the envelope says that it is JSON', () => {
    const marked = (payload: unknown): unknown =>
      payloadOf(JSON.stringify({ payload, payload_type: 'json' }));
    assert.deepEqual(marked('{"a":[1]}'), { a: [1] });
    assert.equal(marked('"text"'), 'text');
    assert.equal(marked('null'), null);
    assert.equal(marked('no json'), 'no json');
    assert.deepEqual(marked({ a: 1 }), { a: 1 });
    const other = JSON.stringify({ payload: '{}', payload_type: 'text' });
    assert.equal(payloadOf(other), '{}');
  });

  it('is the whole of another object, and of anything else the text', () => {
    assert.deepEqual(payloadOf('{"channel":"chat","n":1}'), { channel: 'chat', n: 1 });
    for (const text of ['', 'hello', '[1,2]', '5', 'null', '"x"', '{"payload":1'])
      assert.equal(payloadOf(text), text);
  });
});

describe('fitsNotification', () => {
  it('accepts 7,999 bytes and refuses 8,000', () => {
    assert.equal(LONGEST_NOTIFICATION_BYTES, 7_999);
    assert.ok(fitsNotification('x'.repeat(7_999)));
    assert.ok(!fitsNotification('x'.repeat(8_000)));
  });

  it('counts bytes of UTF-8, not characters', () => {
    assert.ok(fitsNotification(`${'€'.repeat(2_666)}x`));
    assert.ok(!fitsNotification(`${'€'.repeat(2_666)}xx`));
    assert.ok(fitsNotification('😀'.repeat(1_999)));
    assert.ok(!fitsNotification('😀'.repeat(2_000)));
  });

  it('agrees with the count of bytes for every text', () => {
    const character = fc.constantFrom('x', 'é', '€', '😀');
    fc.assert(
      fc.property(character, fc.integer({ min: 0, max: 9_000 }), (unit, times) => {
        const text = unit.repeat(times);
        assert.equal(fitsNotification(text), Buffer.byteLength(text) < 8_000);
      }),
    );
  });
});

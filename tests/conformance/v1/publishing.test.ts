import assert from 'node:assert/strict';
import { it } from 'node:test';

import { LeftOut } from '../left-out.ts';
import { describeOnAll } from '../suites.ts';
import type { Said } from './grammar.ts';
import { startV1Targets } from './targets.ts';
import { enter, enterSubscribed, freshChannel, NO_NAMES, verdict } from './v1-client.ts';
import type { V1Client } from './v1-client.ts';

/** What JSON can say, some of which a gateway might take for something else. */
const payloads: readonly unknown[] = [
  'hello',
  '',
  '{"a":1}',
  '\0\u2028\ud83d\ude00 "é" \\',
  0,
  -1.5,
  true,
  false,
  null,
  [],
  {},
  { a: [1, null, { b: 'é' }], payload: 'inner', channel: 'other', payload_type: 'json' },
];

const targets = await startV1Targets();

const publish = (channel: string, payload: unknown) => ({ type: 'publish', channel, payload });

describeOnAll(targets, 'what is published', (target) => {
  it('is answered by ok, and reaches all who are subscribed, its sender too, as it was', async (t) => {
    const { client: sender, channel } = await enterSubscribed(t, target);
    const { client: reader } = await enter(t, target, {
      channels: [channel],
      mode: 'r',
      sub: 'bo',
    });
    await reader.ask({ type: 'subscribe', channel });
    for (const payload of payloads)
      assert.equal(verdict(await sender.ask(publish(channel, payload))), 'ok');
    assert.deepEqual(await sender.payloads(payloads.length), payloads);
    assert.deepEqual(await reader.payloads(payloads.length), payloads);
    const messages = (client: V1Client) =>
      client.socket.messages.filter((text) => text.includes('"type":"message"'));
    assert.deepEqual(messages(reader), messages(sender));
  });

  it('says its channel, when it came and who sent it, by the sub alone', async (t) => {
    const { client, channel } = await enterSubscribed(t, target, { jti: 'not told' });
    await client.ask(publish(channel, 'hello'));
    const message = await client.heard('message');
    assert.deepEqual([message['channel'], message['claims']], [channel, { sub: 'ada' }]);
    assert.ok(Math.abs(Number(message['at']) - Date.now() / 1000) < 60, String(message['at']));
  });

  it('keeps its order per sender and channel, in one order for all readers', async (t) => {
    const [one, other] = [freshChannel(), freshChannel()];
    const claims = { channels: [one, other] };
    const readers = await Promise.all(
      [0, 1].map(async () => {
        const { client } = await enter(t, target, claims);
        for (const channel of [one, other]) await client.ask({ type: 'subscribe', channel });
        return client;
      }),
    );
    const count = 20;
    for (const sub of ['ann', 'bob', 'cid']) {
      const { client } = await enter(t, target, { ...claims, sub });
      for (let n = 0; n < count; n += 1)
        for (const channel of [one, other]) client.say(publish(channel, [sub, n]));
    }
    const heard = await Promise.all(readers.map((reader) => reader.payloads(count * 6)));
    const texts = readers.map((reader) =>
      reader.socket.messages.filter((text) => text.includes('"type":"message"')),
    );
    assert.deepEqual(texts[1], texts[0]);
    assert.equal(heard[0]?.length, count * 6);
    const numbers = new Map<string, unknown[]>();
    for (const text of texts[0] ?? []) {
      const { channel, payload } = JSON.parse(text);
      const key = `${channel} ${payload[0]}`;
      numbers.set(key, [...(numbers.get(key) ?? []), payload[1]]);
    }
    const ascending = Array.from({ length: count }, (_, n) => n);
    assert.equal(numbers.size, 6);
    for (const [key, order] of numbers) assert.deepEqual(order, ascending, key);
  });

  it('is refused where the channel is not granted for writing, and nobody hears it', async (t) => {
    const { client: reader, channel } = await enterSubscribed(t, target);
    const { client } = await enter(t, target, {
      channels: { [channel]: 'r', more: 'w' },
      mode: undefined,
    });
    for (const denied of [channel, freshChannel()]) {
      const reply = await client.ask(publish(denied, 'no'));
      assert.deepEqual([verdict(reply), reply['retry']], ['error scope_denied', 'no']);
    }
    await reader.ask(publish(channel, 'yes'));
    assert.deepEqual(await reader.payloads(1), ['yes']);
  });

  it('is refused to what can be no name', async (t) => {
    const { client } = await enter(t, target, { channels: ['*'] });
    for (const name of NO_NAMES)
      assert.equal(verdict(await client.ask(publish(name, 1))), 'error bad_message', name);
  });

  it('may be all that a token grants: by name, by pattern, by template', async (t) => {
    const id = freshChannel();
    const { client } = await enter(t, target, { sub: id, channels: [`${id}:*`, 'user:{sub}'] });
    for (const channel of [`${id}:1`, `${id}:1:2`, `user:${id}`]) {
      assert.equal(verdict(await client.ask({ type: 'subscribe', channel })), 'ok', channel);
      assert.equal(verdict(await client.ask(publish(channel, channel))), 'ok', channel);
    }
    assert.equal((await client.payloads(3)).length, 3);
    for (const channel of [id, `${id}:`, 'user:bo'])
      assert.equal(verdict(await client.ask(publish(channel, 1))), 'error scope_denied', channel);
  });
});

describeOnAll(targets, 'what is published with a key', (target) => {
  it('is published once, however often it is said', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    const message = { ...publish(channel, 'once'), key: freshChannel() };
    const first = await withKeys(client, message);
    assert.equal('duplicate' in first, false);
    const { client: later } = await enter(t, target, { channels: [channel] });
    for (const again of [client, later])
      assert.deepEqual(withoutId(await again.ask(message)), { type: 'ok', duplicate: true });
    await client.ask(publish(channel, 'the end'));
    assert.deepEqual(await client.payloads(2), ['once', 'the end']);
  });

  it('is another message with another key, to another channel, or of somebody else', async (t) => {
    const [one, other] = [freshChannel(), freshChannel()];
    const key = freshChannel();
    const { client: ada } = await enter(t, target, { channels: [one, other] });
    const { client: bo } = await enter(t, target, { channels: [one], sub: 'bo' });
    const replies = [
      await withKeys(ada, { ...publish(one, 1), key }),
      await ada.ask({ ...publish(one, 1), key: `${key}x` }),
      await ada.ask({ ...publish(other, 1), key }),
      await bo.ask({ ...publish(one, 1), key }),
    ];
    for (const reply of replies) assert.deepEqual(withoutId(reply), { type: 'ok' });
  });

  it('is refused where the key is none', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    for (const key of ['', 1, null, ['x'], 'x'.repeat(201)]) {
      const reply = await client.ask({ ...publish(channel, 1), key });
      assert.equal(verdict(reply), 'error bad_message', JSON.stringify(key));
    }
  });
});

describeOnAll(targets, 'what is long', (target) => {
  it('arrives in its place, and whole', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    const raw = await target.connect(t, { mode: 'r', channel, exp: 2e9 });
    const long = Array.from({ length: 3 }, (_, n) => [n, 'é'.repeat(12_000)]);
    const texts = ['before', ...long, 'after'];
    const ids = texts.map((payload) => client.say(publish(channel, payload)));
    const verdicts: string[] = [];
    for (const id of ids) verdicts.push(verdict(await client.reply(id)));
    if (verdicts.includes('error too_big'))
      throw new LeftOut('a way for what is too long for NOTIFY');
    assert.deepEqual(await client.payloads(texts.length), texts);
    for (const payload of texts) {
      const told = JSON.parse(await raw.message()).payload;
      assert.deepEqual(typeof payload === 'string' ? told : JSON.parse(told), payload);
    }
  });
});

/** Publishes with a key, where those can be remembered. */
async function withKeys(client: V1Client, message: Said): Promise<Said> {
  const reply = await client.ask(message);
  if (verdict(reply) === 'error keys_unavailable') throw new LeftOut('a memory for keys');
  return reply;
}

function withoutId({ id: _id, ...reply }: Said): Said {
  return reply;
}

describeOnAll(targets, 'raw clients and those of postern.v1', (target) => {
  it('hear each other: a payload, and its envelope', async (t) => {
    const { client, channel } = await enterSubscribed(t, target, { jti: 'nobody', sid: 'else' });
    const raw = await target.connect(t, {
      mode: 'rw',
      channel,
      exp: 2e9,
      sub: 'bo',
      jti: 'secret',
    });
    raw.send('from raw');
    const heard = await client.heard('message');
    assert.deepEqual([heard['payload'], heard['claims']], ['from raw', { sub: 'bo' }]);
    await raw.message();

    await client.ask(publish(channel, 'text'));
    await client.ask(publish(channel, { n: 1 }));
    const envelopes = [JSON.parse(await raw.message()), JSON.parse(await raw.message())];
    const usual = { channel, event: 'WebsocketMessage' };
    const shown = envelopes.map(({ claims: _claims, ...rest }) => rest);
    assert.deepEqual(shown, [
      { ...usual, payload: 'text' },
      { ...usual, payload: '{"n":1}', payload_type: 'json' },
    ]);
    const { sub, message_delivered_at: at, ...more } = envelopes[0].claims;
    assert.deepEqual([sub, typeof at, more], ['ada', 'number', {}]);
    assert.ok(envelopes[1].claims.message_delivered_at > at);
  });
});

describeOnAll(targets, 'what SQL notifies', (target) => {
  it('is told by its payload, or whole', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    const rest = { channel, n: [1] };
    const cases: readonly (readonly [Readonly<Record<string, unknown>>, unknown])[] = [
      [{ payload: 'text' }, 'text'],
      [{ payload: { a: [1, null] } }, { a: [1, null] }],
      [{ payload: null }, null],
      [{ payload: '{"a":1}' }, '{"a":1}'],
      [{ payload: '{"a":1}', payload_type: 'json' }, { a: 1 }],
      [rest, rest],
    ];
    for (const [members] of cases) {
      const text = JSON.stringify({ channel, ...members });
      await target.query('SELECT pg_notify($1, $2)', [target.channel, text]);
    }
    const told = await client.payloads(cases.length);
    for (const [index, [members, payload]] of cases.entries())
      assert.deepEqual(told[index], payload, JSON.stringify(members));
  });

  it('comes at the commit, and not at all when it was rolled back', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    const text = (payload: string) => JSON.stringify({ channel, payload });
    const values = [target.channel, text('never')];
    await assert.rejects(target.query('SELECT pg_notify($1, $2), 1 / 0', values));
    await target.query('SELECT pg_notify($1, $2)', [target.channel, text('committed')]);
    assert.deepEqual(await client.payloads(1), ['committed']);
  });

  it('that names no channel reaches the channel of the database channel’s name', async (t) => {
    const { client } = await enter(t, target, { channels: [target.channel] });
    await client.ask({ type: 'subscribe', channel: target.channel });
    await target.query('SELECT pg_notify($1, $2)', [target.channel, 'no JSON']);
    const heard = await client.heard('message');
    assert.deepEqual([heard['channel'], heard['payload']], [target.channel, 'no JSON']);
  });
});

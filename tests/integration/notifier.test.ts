import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Envelopes, readNotification } from '#gateway/postgres/envelope.js';
import { BATCH_MESSAGES, QUEUE_BYTES } from '#gateway/postgres/outgoing.js';
import { recordFeed, recordNotifier } from '../support/feed-parts.ts';
import { buildGate } from '../support/gate.ts';
import { freshDatabase } from '../support/postgres.ts';
import { inTime, until } from '../support/wait.ts';

const test = await freshDatabase({ after });

describe('Notifier', () => {
  it('keeps the order of each of many senders, and loses and doubles nothing', async (t) => {
    const { feed, heard } = recordFeed(t, test);
    await feed.start();
    const { send, settled } = recordNotifier(t, test);
    const [senders, messages] = [50, 100];

    for (let message = 0; message < messages; message++) {
      for (let sender = 0; sender < senders; sender++) send(`${sender} ${message}`);
      // Lets batches go while others gather, as they do when messages come in over time.
      if (message % 7 === 0) await new Promise(setImmediate);
    }
    const count = senders * messages;
    assert.deepEqual(new Set((await settled(count, 15_000)).values()), new Set(['committed']));

    const texts = await heard(count);
    assert.equal(texts.length, count);
    for (let sender = 0; sender < senders; sender++) {
      const own = texts.filter((text) => text.startsWith(`${sender} `));
      assert.deepEqual(
        own,
        Array.from({ length: messages }, (_, index) => `${sender} ${index}`),
      );
    }
  });

  it('keeps back what comes while it is held, in order, and sends it when it is released', async (t) => {
    const { feed, heard, texts } = recordFeed(t, test);
    await feed.start();
    const { notifier, send, settled } = recordNotifier(t, test);
    send('before');
    await heard(1);
    notifier.hold();
    send('one', 'two');
    await test.query('SELECT pg_notify($1, $2)', [test.channel, 'from somebody else']);
    await heard(2);
    assert.deepEqual(texts, ['before', 'from somebody else']);

    notifier.release();
    assert.deepEqual(await heard(4), ['before', 'from somebody else', 'one', 'two']);
    assert.deepEqual(new Set((await settled(3)).values()), new Set(['committed']));
  });

  it('sends what it kept back when it is stopped', async (t) => {
    const { feed, heard } = recordFeed(t, test);
    await feed.start();
    const { notifier, send, settled } = recordNotifier(t, test);
    notifier.hold();
    send('kept');
    await notifier.stop(5_000);
    assert.deepEqual([...(await settled(1)).values()], ['committed']);
    assert.deepEqual(await heard(1), ['kept']);
  });

  it('takes all texts of a message or none, and settles it once', async (t) => {
    const { feed, heard, texts } = recordFeed(t, test);
    await feed.start();
    const { notifier } = recordNotifier(t, test);
    const outcomes: string[] = [];
    const settle = (outcome: string): void => void outcomes.push(outcome);

    notifier.hold();
    const half = Array.from({ length: 1_100 }, (_, index) => `${index} ${'x'.repeat(7_900)}`);
    notifier.send({ texts: half }, settle);
    assert.equal(notifier.crowded, true);
    notifier.send({ texts: half }, settle);
    assert.deepEqual(outcomes, ['overflow']);
    notifier.send({ texts: ['one', 'two'] }, settle);

    notifier.release();
    await heard(1_102);
    assert.deepEqual(texts.slice(-2), ['one', 'two']);
    await until('both outcomes', () => outcomes.length === 3);
    assert.deepEqual(outcomes, ['overflow', 'committed', 'committed']);
    assert.equal(notifier.crowded, false);
  });

  it('shares a commit among the messages that wait', async (t) => {
    const gate = await buildGate(t, test);
    const { send, settled } = recordNotifier(t, { ...test, url: gate.url });
    send(...Array.from({ length: 2_000 }, (_, index) => `message ${index}`));
    await settled(2_000);
    const transactions = await gate.transactions();
    assert.ok(transactions <= 2_000 / 100, `${transactions} transactions`);
  });

  it('brings five hundred equal messages of one sender as five hundred', async (t) => {
    const { feed, heard } = recordFeed(t, test);
    await feed.start();
    const { send, settled } = recordNotifier(t, test);
    const envelopes = new Envelopes(() => 1_795_309_153_722);
    const claims = { mode: 'rw', channel: 'chat' };

    const texts = Array.from({ length: 500 }, () => envelopes.message('chat', claims, 'hello'));
    send(...texts);
    await settled(500);
    assert.deepEqual(await heard(500), texts);
    assert.ok(texts.every((text) => readNotification(text, test.channel).channel === 'chat'));
  });

  it('would see equal texts folded by PostgreSQL, were it given any', async (t) => {
    const { feed, heard, texts } = recordFeed(t, test);
    await feed.start();
    const { notifier } = recordNotifier(t, test);
    const outcomes: string[] = [];
    for (const text of ['same', 'same', 'same', 'end']) {
      notifier.send({ texts: [text] }, (outcome) => outcomes.push(outcome));
    }
    await until('four outcomes', () => outcomes.length === 4);
    await heard(2);
    assert.deepEqual(texts, ['same', 'end']);
  });

  it('carries 7,999 bytes; 8,000 are refused where there is no table for them, and alone', async (t) => {
    const { feed, heard } = recordFeed(t, test);
    await feed.start();
    const { send, settled, lines } = recordNotifier(t, test);
    const [longest, tooLong] = ['€'.repeat(2_666) + 'x', '€'.repeat(2_666) + 'xx'];

    send('before', longest, tooLong, 'after');
    assert.deepEqual(Object.fromEntries(await settled(4)), {
      before: 'committed',
      [longest]: 'committed',
      [tooLong]: 'too_big',
      after: 'committed',
    });
    assert.deepEqual(await heard(3), ['before', longest, 'after']);
    assert.deepEqual(lines, []);
  });

  it('lets bad messages fail alone and keeps the order of the good ones', async (t) => {
    const gate = await buildGate(t, test);
    const { feed, heard } = recordFeed(t, test);
    await feed.start();
    const { send, settled, lines } = recordNotifier(t, { ...test, url: gate.url });

    const texts = Array.from({ length: 300 }, (_, index) =>
      [0, 17, 18, BATCH_MESSAGES - 1, BATCH_MESSAGES, 299].includes(index)
        ? `bad ${index}`
        : `good ${index}`,
    );
    send(...texts);
    const outcomes = await settled(300);
    for (const [text, outcome] of outcomes) {
      assert.equal(outcome, text.startsWith('bad') ? 'rejected' : 'committed', text);
    }
    const good = texts.filter((text) => text.startsWith('good'));
    assert.deepEqual(await heard(good.length), good);
    assert.equal(lines.length, 6);
    assert.doesNotMatch(JSON.stringify(lines), /bad/);
  });

  it('lets a text that the database cannot encode fail alone', async (t) => {
    const name = `${test.name}_latin1`;
    await test.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`);
    t.after(() => test.query(`DROP DATABASE ${name} WITH (FORCE)`).then(() => undefined));
    const url = new URL(test.url);
    url.pathname = `/${name}`;

    const { send, settled, notifier } = recordNotifier(t, { ...test, url: url.href });
    send('é', '€', 'x');
    assert.deepEqual(Object.fromEntries(await settled(3)), {
      é: 'committed',
      '€': 'rejected',
      x: 'committed',
    });
    await notifier.stop(1_000);
  });

  it('takes any text there is, quotes, braces and backslashes included', async (t) => {
    const { feed, heard } = recordFeed(t, test);
    await feed.start();
    const { send } = recordNotifier(t, test);
    const texts = [
      '"',
      '\\',
      '{a,b}',
      '{"a":"\\""}',
      "'; DROP",
      'NULL',
      ' x ',
      '\n\t\u0001',
      '$1',
      '',
    ];
    send(...texts);
    assert.deepEqual(await heard(texts.length), texts);
  });

  it('refuses at once what is beyond the queue, and takes more when that has emptied', async (t) => {
    const gate = await buildGate(t, test);
    const { send, settled, outcomes } = recordNotifier(t, { ...test, url: gate.url });
    await gate.shut();

    const filler = (index: number): string => String(index).padEnd(7_999, '.');
    const fits = Math.floor(QUEUE_BYTES / 7_999);
    for (let index = 0; index < fits; index++) send(filler(index));
    assert.equal(outcomes.size, 0);
    send(filler(fits));
    assert.deepEqual([...outcomes], [[filler(fits), 'overflow']]);

    await gate.open();
    const all = await settled(fits + 1, 30_000);
    assert.equal([...all.values()].filter((outcome) => outcome === 'committed').length, fits);
    send(filler(fits + 1));
    await settled(fits + 2);
    assert.equal(outcomes.get(filler(fits + 1)), 'committed');
  });

  it('sends what waits before it stops', async (t) => {
    const { send, notifier, outcomes } = recordNotifier(t, test);
    send(...Array.from({ length: 1_000 }, (_, index) => `message ${index}`));
    await inTime('the stop', notifier.stop(5_000));
    assert.equal(outcomes.size, 1_000);
    assert.deepEqual(new Set(outcomes.values()), new Set(['committed']));

    send('too late');
    assert.equal(outcomes.get('too late'), 'overflow');
    await inTime('the second stop', notifier.stop(5_000));
  });

  it('stops in time when PostgreSQL does not answer, and calls what is left unknown', async (t) => {
    const gate = await buildGate(t, test);
    const { send, notifier, outcomes } = recordNotifier(t, { ...test, url: gate.url });
    await gate.shut();
    const texts = Array.from({ length: 500 }, (_, index) => `message ${index}`);
    send(...texts);

    await inTime('the stop', notifier.stop(200), 1_000);
    assert.deepEqual([...outcomes.keys()], texts);
    assert.deepEqual(new Set(outcomes.values()), new Set(['unknown']));
  });
});

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { BATCH_MESSAGES, QUEUE_BYTES } from '#gateway/postgres/outgoing.js';
import type { RecordedFeed } from '../support/feed-parts.ts';
import { recordFeed, recordNotifier } from '../support/feed-parts.ts';
import { buildGate } from '../support/gate.ts';
import { ownServer } from '../support/own-server.ts';
import { usableTables } from '../support/publishing.ts';
import { tcpProxy, urlThrough } from '../support/tcp-proxy.ts';
import { inTime, until } from '../support/wait.ts';

/** A statement may take so long; then its connection is given up. */
const ANSWER_MS = 10_000;
const RETURN_MS = 10_000;

const server = await ownServer({ after });
const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`);

/** A feed hears nothing while it is down, but never the same twice, and the last text is the last. */
async function assertOnceAndInOrder({ texts }: RecordedFeed, sent: readonly string[]) {
  const last = sent.at(-1) ?? '';
  await until('the last text', () => texts.includes(last));
  const ranks = texts.map((text) => sent.indexOf(text));
  assert.deepEqual(
    ranks,
    [...new Set(ranks)].toSorted((a, b) => a - b),
  );
}

describe('A notifier', () => {
  it('whose backend is terminated calls what it had sent unknown, and sends the rest', async (t) => {
    const gate = await buildGate(t, server);
    const { feed, heard } = recordFeed(t, server);
    await feed.start();
    const { send, settled, outcomes, lines } = recordNotifier(t, { ...server, url: gate.url });
    await gate.shut();
    const [sent, waiting] = [numbered('sent', 5), numbered('waiting', 200)];
    send(...sent);
    const pid = await gate.waiting();
    send(...waiting);

    await server.query('SELECT pg_terminate_backend($1)', [pid]);
    await settled(5);
    assert.deepEqual(
      [...outcomes],
      sent.map((text) => [text, 'unknown']),
    );
    assert.deepEqual(lines, [
      { event: 'connection_lost', fields: { reason: '57P01', messages: 5 } },
    ]);

    await gate.open();
    await settled(205, RETURN_MS);
    for (const text of waiting) assert.equal(outcomes.get(text), 'committed');
    assert.deepEqual(await heard(200), waiting);
  });

  it('whose statement is cancelled knows that nothing was committed, and sends it again', async (t) => {
    const gate = await buildGate(t, server);
    const { feed, heard } = recordFeed(t, server);
    await feed.start();
    const { send, settled } = recordNotifier(t, { ...server, url: gate.url });
    await gate.shut();
    const texts = numbered('text', 20);
    send(...texts);
    await server.query('SELECT pg_cancel_backend($1)', [await gate.waiting()]);

    await gate.waiting();
    await gate.open();
    assert.deepEqual(new Set((await settled(20)).values()), new Set(['committed']));
    assert.deepEqual(await heard(20), texts);
  });

  it('whose backend is stopped gives it up in time and goes on with another', async (t) => {
    const { feed, heard } = recordFeed(t, server);
    await feed.start();
    const { send, settled, outcomes } = recordNotifier(t, server);
    send('first');
    await settled(1);
    const [row] = await server.query(
      `SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_notify($1, text)%' AND pid <> pg_backend_pid() AND state = 'idle'`,
    );
    const pid = Number(row?.['pid']);
    server.pause(pid);
    t.after(() => Promise.resolve(server.resume(pid)));

    send('second');
    // An idle connection is taken at once: by the next turn of the loop the second is on its way.
    await new Promise(setImmediate);
    send('third');
    await settled(3, ANSWER_MS + 2_000);
    assert.equal(outcomes.get('second'), 'unknown');
    assert.equal(outcomes.get('third'), 'committed');
    assert.deepEqual(await heard(2), ['first', 'third']);

    // It has not read what it was sent, and does so now: too late, or it would come after the third.
    server.resume(pid);
    await until('its end', async () => {
      const left = await server.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
      return left.length === 0;
    });
    send('fourth');
    assert.deepEqual(await heard(3), ['first', 'third', 'fourth']);
  });

  it('lets nothing be committed before what was sent earlier, though nobody knows about that', async (t) => {
    const gate = await buildGate(t, server);
    const { feed, heard, texts } = recordFeed(t, server);
    await feed.start();
    const proxy = await tcpProxy(t, { port: Number(new URL(server.url).port) });
    const url = urlThrough(proxy, gate.url);
    const { send, sendKeyed, settled, lines, notifier } = recordNotifier(
      t,
      { ...server, url },
      await usableTables(t, server.url),
    );
    await gate.shut();
    send('first');
    sendKeyed('second');
    const pid = await gate.waiting();
    server.pause(pid);
    await gate.open();

    proxy.cut();
    send('third');
    assert.deepEqual([...(await settled(1))], [['first', 'unknown']]);
    await until('that it is said', () => lines.some(({ event }) => event === 'publishing_waits'));
    assert.deepEqual([texts, notifier.unsettledTexts], [[], 2]);

    server.resume(pid);
    const outcomes = await settled(3);
    assert.deepEqual(await heard(3), ['first', 'second', 'third']);
    assert.deepEqual([outcomes.get('second'), outcomes.get('third')], ['committed', 'committed']);
  });

  it('keeps what it could not send while the server is away, and sends it once and in order', async (t) => {
    const recorded = recordFeed(t, server);
    await recorded.feed.start();
    const { send, settled, outcomes, lines } = recordNotifier(t, server);
    await server.stop();
    await recorded.state(1);
    const texts = numbered('text', 500);
    send(...texts);
    await until('three attempts', () => lines.length >= 3, RETURN_MS);
    assert.equal(outcomes.size, 0);
    assert.ok(lines.every(({ event }) => event === 'database_retry'));

    await server.start();
    assert.deepEqual(new Set((await settled(500, RETURN_MS)).values()), new Set(['committed']));
    await recorded.state(2, RETURN_MS);
    send('the last');
    await assertOnceAndInOrder(recorded, [...texts, 'the last']);
  });

  it('keeps no more than its queue holds while the server is away', async (t) => {
    const { send, outcomes, lines } = recordNotifier(t, server);
    await server.stop();
    t.after(() => server.start());
    const fits = Math.floor(QUEUE_BYTES / 7_999);
    const filler = (index: number): string => String(index).padEnd(7_999, '.');
    for (let index = 0; index < fits; index++) send(filler(index));
    await until('an attempt', () => lines.length > 0);
    assert.equal(outcomes.size, 0);

    send(filler(fits), filler(fits + 1));
    assert.deepEqual([...outcomes.values()], ['overflow', 'overflow']);
  });

  it('stops in time while the server is away, and calls what is left unknown', async (t) => {
    const { send, outcomes, notifier, lines } = recordNotifier(t, server);
    await server.stop();
    t.after(() => server.start());
    send('never sent');
    await until('an attempt', () => lines.length > 0);
    await inTime('the stop', notifier.stop(100), 1_000);
    assert.deepEqual([...outcomes], [['never sent', 'unknown']]);
  });

  it('whose server is killed in the middle settles everything once and doubles nothing', async (t) => {
    const recorded = recordFeed(t, server);
    await recorded.feed.start();
    const { send, settled, outcomes } = recordNotifier(t, server);
    const texts = numbered('text', 5_000);
    send(...texts);
    await recorded.heard(1);
    await server.kill9();
    await recorded.state(1);
    await server.start();
    await settled(5_000, 2 * RETURN_MS);
    await recorded.state(2, RETURN_MS);
    send('the last');
    await assertOnceAndInOrder(recorded, [...texts, 'the last']);
    const unknown = texts.filter((text) => outcomes.get(text) === 'unknown');
    assert.ok(unknown.length <= BATCH_MESSAGES, `${unknown.length} unknown`);
  });
});

import assert from 'node:assert/strict';
import { after, it } from 'node:test';

import { failOnLeaks } from '../../support/leaks.ts';
import { listen } from '../../support/listen.ts';
import { describeOn } from '../suites.ts';
import { startTargets } from '../targets.ts';

const LONGEST_BYTES = 7_999;
const TOO_BIG = { code: 1009, reason: 'Message too big' } as const;
const CHAT = { mode: 'rw', channel: 'chat' } as const;

/** What a long message may be filled with, and the bytes that each takes in the envelope. */
const fillings: readonly (readonly [string, number])[] = [
  ['x', 1],
  ['é', 2],
  ['漢', 3],
  ['😀', 4],
  ['"', 2],
  ['\0', 6],
];

const scope = failOnLeaks();

for (const target of await startTargets({ after })) {
  const listenHere = () => listen(scope, { url: target.databaseUrl, channel: target.channel });
  /** By way of the gateway: what it was given earlier is notified before, if at all. */
  const sayTheEnd = async (): Promise<void> => {
    const other = await target.connect(scope, { mode: 'w', channel: 'other' });
    other.send('the end');
  };
  const payloads = (texts: readonly string[]) => texts.map((text) => JSON.parse(text).payload);

  describeOn(target, 'a long message', () => {
    for (const [filling, bytes] of fillings) {
      it(`of ${JSON.stringify(filling)} arrives up to an envelope of 7,999 bytes`, async () => {
        const client = await target.connect(scope, CHAT);
        client.send('');
        const room = LONGEST_BYTES - Buffer.byteLength(await client.message());
        const longest = filling.repeat(room / bytes) + 'x'.repeat(room % bytes);

        client.send(longest);
        const text = await client.message();
        assert.equal(Buffer.byteLength(text), LONGEST_BYTES);
        assert.equal(JSON.parse(text).payload, longest);

        client.send(`${longest}x`);
        assert.deepEqual(await client.closed(), TOO_BIG);
      });
    }

    it('is said to be too big, in the log', async () => {
      const client = await target.connect(scope, CHAT);
      client.send('x'.repeat(LONGEST_BYTES));
      assert.deepEqual(await client.closed(), TOO_BIG);
      await target.logged({ event: 'message_too_big' });
      await target.logged({ event: 'session_ended', code: 1009, by: 'gateway' });
    });

    it('goes to all of its channels or to none', async () => {
      const listener = await listenHere();
      const claims = { mode: 'w', channels: ['a', 'a channel with a name that is far longer'] };
      const client = await target.connect(scope, claims);
      client.send('');
      const [short = '', long = ''] = await listener.heard(2);
      assert.ok(long.length > short.length);

      client.send('x'.repeat(LONGEST_BYTES - Buffer.byteLength(short)));
      assert.deepEqual(await client.closed(), TOO_BIG);
      await sayTheEnd();
      assert.deepEqual(payloads(await listener.heard(3)), ['', '', 'the end']);
    });

    it('takes nothing of what its sender says later', async () => {
      const listener = await listenHere();
      const client = await target.connect(scope, CHAT);
      for (const text of ['before', 'x'.repeat(LONGEST_BYTES), 'after']) client.send(text);
      assert.deepEqual(await client.closed(), TOO_BIG);
      await sayTheEnd();
      assert.deepEqual(payloads(await listener.heard(2)), ['before', 'the end']);
    });

    it('of more than 64 KiB ends the connection even of those whose messages are ignored', async () => {
      const client = await target.connect(scope, { ...CHAT, mode: 'r' });
      client.send('x'.repeat(65_536));
      await client.ping();
      client.send('x'.repeat(65_537));
      assert.equal((await client.closed()).code, 1009);
    });

    it('leaves the connections of others alone', async () => {
      const other = await target.connect(scope, CHAT);
      const client = await target.connect(scope, CHAT);
      client.send('x'.repeat(LONGEST_BYTES));
      await client.closed();
      other.send('still here');
      assert.equal(JSON.parse(await other.message()).payload, 'still here');
    });
  });
}

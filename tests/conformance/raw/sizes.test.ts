import assert from 'node:assert/strict';
import { it } from 'node:test';

import { failOnLeaks } from '../../support/leaks.ts';
import { listen } from '../../support/listen.ts';
import { describeOn } from '../suites.ts';
import { startTargets } from '../targets.ts';

const LONGEST_BYTES = 7_999;
/** One more than a client may send. */
const TOO_BIG_BYTES = 65_537;
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

for (const target of await startTargets()) {
  const listenHere = () => listen(scope, { url: target.databaseUrl, channel: target.channel });
  /** By way of the gateway: what it was given earlier is notified before, if at all. */
  const sayTheEnd = async (): Promise<void> => {
    const other = await target.connect(scope, { mode: 'w', channel: 'other' });
    other.send('the end');
  };
  const payloads = (texts: readonly string[]) => texts.map((text) => JSON.parse(text).payload);

  describeOn(target, 'a long message', () => {
    for (const [filling, bytes] of fillings) {
      it(`of ${JSON.stringify(filling)} arrives, and so does one that NOTIFY does not take`, async () => {
        const client = await target.connect(scope, CHAT);
        client.send('');
        const room = LONGEST_BYTES - Buffer.byteLength(await client.message());
        const longest = filling.repeat(room / bytes) + 'x'.repeat(room % bytes);

        client.send(longest);
        const text = await client.message();
        assert.equal(Buffer.byteLength(text), LONGEST_BYTES);
        assert.equal(JSON.parse(text).payload, longest);

        client.send(`${longest}x`);
        const longer = await client.message();
        assert.equal(Buffer.byteLength(longer), LONGEST_BYTES + 1);
        assert.equal(JSON.parse(longer).payload, `${longest}x`);
      });
    }

    it('arrives in its place among short ones', async () => {
      const client = await target.connect(scope, CHAT);
      const texts = ['a', 'x'.repeat(65_536), 'b', '\0'.repeat(20_000), 'c', 'd'];
      for (const text of texts) client.send(text);
      for (const text of texts) assert.equal(JSON.parse(await client.message()).payload, text);
    });

    it('goes to all of its channels, whichever of them makes it too long for NOTIFY', async () => {
      const channels = ['a', 'a channel with a name that is far longer'];
      const [reader, other] = [
        await target.connect(scope, { mode: 'r', channels: [channels[0]] }),
        await target.connect(scope, { mode: 'r', channels: [channels[1]] }),
      ];
      const client = await target.connect(scope, { mode: 'w', channels });
      client.send('');
      const short = await reader.message();
      assert.ok((await other.message()).length > short.length);

      const text = 'x'.repeat(LONGEST_BYTES - Buffer.byteLength(short));
      client.send(text);
      for (const one of [reader, other])
        assert.equal(JSON.parse(await one.message()).payload, text);
    });

    it('takes nothing of what its sender says later, when it is too big', async () => {
      const listener = await listenHere();
      const client = await target.connect(scope, CHAT);
      for (const text of ['before', 'x'.repeat(TOO_BIG_BYTES), 'after']) client.send(text);
      assert.equal((await client.closed()).code, 1009);
      await sayTheEnd();
      assert.deepEqual(payloads(await listener.heard(2)), ['before', 'the end']);
    });

    it('of more than 64 KiB ends the connection even of those whose messages are ignored', async () => {
      const client = await target.connect(scope, { ...CHAT, mode: 'r' });
      client.send('x'.repeat(65_536));
      await client.ping();
      client.send('x'.repeat(TOO_BIG_BYTES));
      assert.equal((await client.closed()).code, 1009);
    });

    it('leaves the connections of others alone', async () => {
      const other = await target.connect(scope, CHAT);
      const client = await target.connect(scope, CHAT);
      client.send('x'.repeat(TOO_BIG_BYTES));
      await client.closed();
      other.send('still here');
      assert.equal(JSON.parse(await other.message()).payload, 'still here');
    });
  });
}

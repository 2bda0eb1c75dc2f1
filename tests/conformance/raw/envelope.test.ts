import assert from 'node:assert/strict';
import { it } from 'node:test';

import { failOnLeaks } from '../../support/leaks.ts';
import { listen } from '../../support/listen.ts';
import { forgeToken, inSeconds } from '../../support/tokens.ts';
import { WsClient } from '../../support/ws-client.ts';
import { describeOn } from '../suites.ts';
import { startTargets } from '../targets.ts';

const CHAT = { mode: 'rw', channel: 'chat' } as const;
const TIME = /"message_delivered_at":(\d{10}\.\d{6})(?=[,}])/;

/** What clients send, and how it stands in the envelope. */
const payloads: readonly (readonly [string, string])[] = [
  ['hello', '"hello"'],
  ['', '""'],
  ['{"b":1, "a":[null]}', '"{\\"b\\":1, \\"a\\":[null]}"'],
  ['12', '"12"'],
  ['null', '"null"'],
  ['"quoted" \\ / slash', '"\\"quoted\\" \\\\ / slash"'],
  ['\0\b\t\n\f\r\x1f', '"\\u0000\\b\\t\\n\\f\\r\\u001f"'],
  ['café 漢字 😀 \u2028\ufeff', '"café 漢字 😀 \u2028\ufeff"'],
];

const scope = failOnLeaks();

for (const target of await startTargets()) {
  const listenHere = () => listen(scope, { url: target.databaseUrl, channel: target.channel });

  describeOn(target, 'the envelope', () => {
    it('has its keys in alphabetical order, the time inside the claims, and no space', async () => {
      const listener = await listenHere();
      const exp = inSeconds(60);
      const sender = await target.connect(scope, { sub: 'ann', ...CHAT, exp });
      sender.send('hello');

      const text = await sender.message();
      assert.equal(
        text.replace(TIME, '"message_delivered_at":0'),
        `{"channel":"chat","claims":{"channel":"chat","exp":${exp},"message_delivered_at":0,` +
          '"mode":"rw","sub":"ann"},"event":"WebsocketMessage","payload":"hello"}',
      );
      assert.deepEqual(await listener.heard(1), [text]);
    });

    it('tells the time in UNIX seconds with a fraction', async () => {
      const sender = await target.connect(scope, CHAT);
      const before = Date.now() / 1000;
      sender.send('now');
      const time = timeOf(await sender.message());
      assert.ok(before - 0.001 <= time && time <= Date.now() / 1000 + 0.001, String(time));
    });

    it('sorts the claims at every depth, and keeps them all', async () => {
      const payload =
        '{"zeta":{"b":[{"d":1,"c":2}],"a":null,"10":1,"9":2},"mode":"rw","channel":"chat",' +
        '"é":"ü\\u0000","A":true,"":1.50,"message_delivered_at":7}';
      const client = await WsClient.connect(`${target.wsUrl}/${forgeToken({ payload })}`);
      scope.after(() => client.close());
      client.send('');
      const text = await client.message();
      assert.ok(
        text
          .replace(TIME, '"message_delivered_at":0')
          .includes(
            '"claims":{"":1.5,"A":true,"channel":"chat","message_delivered_at":0,"mode":"rw",' +
              '"zeta":{"10":1,"9":2,"a":null,"b":[{"c":2,"d":1}]},"é":"ü\\u0000"},',
          ),
        text,
      );
    });

    for (const [sent, written] of payloads) {
      it(`holds ${JSON.stringify(sent)} as a JSON string`, async () => {
        const client = await target.connect(scope, CHAT);
        client.send(sent);
        const text = await client.message();
        assert.ok(text.endsWith(`,"payload":${written}}`), text);
        assert.equal(JSON.parse(text).payload, sent);
      });
    }

    it('holds a binary message as text', async () => {
      const client = await target.connect(scope, CHAT);
      client.send(Buffer.from('{"café":"😀"}'));
      assert.equal(JSON.parse(await client.message()).payload, '{"café":"😀"}');
    });

    it('is never the same twice: equal messages all arrive, their times ever later', async () => {
      const count = 300;
      const listener = await listenHere();
      const sender = await target.connect(scope, CHAT);
      for (let sent = 0; sent < count; sent += 1) sender.send('same');

      const times = (await listener.heard(count)).map(timeOf);
      assert.equal(times.length, count);
      for (const [index, time] of times.entries())
        assert.ok(index === 0 || time > (times[index - 1] ?? 0), `${index}: ${time}`);
    });
  });
}

function timeOf(text: string): number {
  return Number(TIME.exec(text)?.[1]);
}

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { failOnLeaks } from '../../support/leaks.ts';
import { describeOn } from '../suites.ts';
import { startTargets } from '../targets.ts';

const LONGEST_BYTES = 7_999;

/** Notifications for the channel `chat`. Whoever writes them decides what they look like. */
const forChat = [
  '{"channel":"chat"}',
  ' \t{ "payload" : 1.0e1 ,\r\n\t"channel":\t"chat" }\n ',
  '{"channel":"chat","payload":"caf\u00e9 😀 \u2028 \\u00e9 \\ud83d"}',
  '{"channel":"ch\\u0061t"}',
  '{"channel":"other","channel":"chat"}',
  '{"channel":"chat","event":"WebsocketMessage","claims":null,"payload":{"deep":[1,2]}}',
  `${'{"channel":"chat","payload":"'.padEnd(LONGEST_BYTES - 2, 'x')}"}`,
];

/** Notifications for the channel that bears the name of the database channel. */
const forEverybodyElse = [
  '',
  ' ',
  'no JSON',
  '{"channel":"chat"',
  '{"channel":"chat"} more',
  '{}',
  '{"Channel":"chat"}',
  '{"payload":"hello"}',
  '{"channel":7}',
  '{"channel":null}',
  '{"channel":["chat"]}',
  '{"channel":{"name":"chat"}}',
  '[{"channel":"chat"}]',
  '"chat"',
  'null',
  'true',
  '12',
  'caf\u00e9 😀',
  'x'.repeat(LONGEST_BYTES),
];

const scope = failOnLeaks();

for (const target of await startTargets()) {
  const notify = (text: string) => target.query('SELECT pg_notify($1, $2)', [target.channel, text]);

  describeOn(target, 'what SQL notifies', () => {
    it('is delivered to the channel that it names, byte for byte and in order', async () => {
      const reader = await target.connect(scope, { mode: 'r', channel: 'chat' });
      for (const text of forChat) await notify(text);
      for (const text of forChat) assert.equal(await reader.message(), text);
    });

    it('is delivered to the channel with the name of the database channel when it names none', async () => {
      const chat = await target.connect(scope, { mode: 'r', channel: 'chat' });
      const reader = await target.connect(scope, { mode: 'r', channel: target.channel });
      for (const text of forEverybodyElse) await notify(text);
      for (const text of forEverybodyElse) assert.equal(await reader.message(), text);

      await notify('{"channel":"chat"}');
      await chat.message();
      assert.equal(chat.messages.length, 1);
    });

    it('is delivered to every channel name that JSON can write', async () => {
      for (const channel of [
        '__proto__',
        'constructor',
        ' ',
        'a/b',
        '"',
        '\\',
        '漢字',
        '\ud83d\ude00',
      ]) {
        const reader = await target.connect(scope, { mode: 'r', channels: [channel] });
        const text = JSON.stringify({ channel, payload: 'hello' });
        await notify(text);
        assert.equal(await reader.message(), text);
      }
    });

    it('is delivered from plain NOTIFY as from pg_notify', async () => {
      const reader = await target.connect(scope, { mode: 'r', channel: 'chat' });
      await target.query(`NOTIFY "${target.channel}", '{"channel": "chat", "payload": "it''s"}'`);
      assert.equal(await reader.message(), `{"channel": "chat", "payload": "it's"}`);
    });

    it('is delivered at the commit, and not at all when it was rolled back', async () => {
      const reader = await target.connect(scope, { mode: 'r', channel: 'chat' });
      const text = '{"channel":"chat","payload":"never"}';
      await assert.rejects(target.query('SELECT pg_notify($1, $2), 1 / 0', [target.channel, text]));
      await notify('{"channel":"chat","payload":"committed"}');
      assert.equal(JSON.parse(await reader.message()).payload, 'committed');
    });

    it('is not delivered to those who may only write', async () => {
      const writer = await target.connect(scope, { mode: 'w', channel: 'chat' });
      const reader = await target.connect(scope, { mode: 'r', channel: 'chat' });
      await notify('{"channel":"chat"}');
      await reader.message();
      await writer.ping();
      assert.deepEqual(writer.messages, []);
    });
  });
}

import assert from 'node:assert/strict';
import { it } from 'node:test';

import type { Scope } from '../../support/postgres.ts';
import { LeftOut } from '../left-out.ts';
import { describeOnAll } from '../suites.ts';
import { startV1Targets } from './targets.ts';
import { enter, verdict } from './v1-client.ts';
import type { V1Client } from './v1-client.ts';

/** More than a limit lets through that is worth the name. */
const MOST_COMMANDS = 500;

const CHAT = { channels: ['chat'] } as const;

/** Texts that are no message: there is nothing to answer by. */
const noMessages = [
  '',
  'hello',
  '{',
  '[]',
  'null',
  '1',
  '"{}"',
  '{}',
  '[{"type":"ping","id":1}]',
  '{"type":"ping"}',
  '{"type":"ping","id":0}',
  '{"type":"ping","id":-1}',
  '{"type":"ping","id":1.5}',
  '{"type":"ping","id":2147483648}',
  '{"type":"ping","id":1e400}',
  '{"type":"ping","id":"1"}',
  '{"type":"ping","id":null}',
  '{"type":"ping","id":[1]}',
  '{"type":"ping","__proto__":{"id":1}}',
];

/** What can be answered, and does not say what it must. */
const incomplete = [
  '"id":1',
  '"type":null',
  '"type":1',
  '"type":["ping"]',
  '"type":"Ping"',
  '"type":"welcome"',
  '"type":"message"',
  '"type":"constructor"',
  '"type":"__proto__"',
  '"type":"toString"',
  '"type":"subscribe"',
  '"type":"subscribe","channel":""',
  '"type":"subscribe","channel":1',
  '"type":"subscribe","channel":["chat"]',
  '"type":"subscribe","channel":"chat","from":1',
  '"type":"unsubscribe"',
  '"type":"unsubscribe","channel":null',
  '"type":"publish","payload":1',
  '"type":"publish","channel":"chat"',
  '"type":"auth"',
  '"type":"auth","token":""',
  '"type":"auth","token":1',
  `"type":"auth","token":"${'x'.repeat(8_193)}"`,
];

const targets = await startV1Targets();

describeOnAll(targets, 'a command', (target) => {
  it('is answered by the id that its client chose, from 1 to 2147483647', async (t) => {
    const { client } = await enter(t, target, CHAT);
    for (const id of [1, 2_147_483_647, 7, 7]) {
      client.socket.send(JSON.stringify({ type: 'ping', id }));
      assert.deepEqual(await client.reply(id), { type: 'pong', id });
    }
  });

  it('is answered once, and so is each of many at a time', async (t) => {
    const { client } = await enter(t, target, CHAT);
    const ids = Array.from({ length: 40 }, () => client.say({ type: 'ping' }));
    for (const id of ids) await client.reply(id);
    await client.socket.ping();
    const answered = client.all.filter(({ type }) => type !== 'welcome').map(({ id }) => id);
    assert.deepEqual(
      answered.toSorted((a, b) => Number(a) - Number(b)),
      ids,
    );
  });

  it('may have members that nobody knows, in any order, and blanks between', async (t) => {
    const { client } = await enter(t, target, CHAT);
    client.socket.send(' \n{ "more" : {"id":9}, "id":\t1 ,"type":"p\\u0069ng", "channel":1}\r\n');
    assert.deepEqual(await client.reply(1), { type: 'pong', id: 1 });
  });

  it('may come in fragments', async (t) => {
    const { client } = await enter(t, target, CHAT);
    client.socket.send('{"type":"pi', { fin: false });
    client.socket.send('ng","id":1', { fin: false });
    client.socket.send('}');
    assert.deepEqual(await client.reply(1), { type: 'pong', id: 1 });
  });

  it('of an unknown type, or that lacks what it must have, is answered by an error, and the connection stays', async (t) => {
    const { client } = await enter(t, target, CHAT);
    for (const members of incomplete) {
      client.socket.send(`{${members},"id":1}`);
      const reply = await client.reply(1);
      assert.equal(verdict(reply), 'error bad_message', `{${members}}`);
      assert.equal(reply['retry'], 'no');
    }
    assert.equal(verdict(await client.ask({ type: 'ping' })), 'pong');
  });

  it('is taken up to the size that the welcome names, and no further: 1009', async (t) => {
    const { client, welcome } = await enter(t, target, CHAT);
    const most = Number(welcome['maxPayloadBytes']);
    const start = '{"type":"ping","id":1,"more":"é';
    const ofBytes = (bytes: number): string =>
      `${start}${'x'.repeat(bytes - Buffer.byteLength(start) - 2)}"}`;
    if (most === 0) throw new LeftOut('a limit on the size of messages');
    client.socket.send(ofBytes(most));
    assert.equal(verdict(await client.reply(1)), 'pong');
    client.socket.send(ofBytes(most + 1));
    assert.equal((await client.closed()).code, 1009);
  });
});

describeOnAll(targets, 'what is no command', (target) => {
  const codeAfter = async (t: Scope, data: string | Buffer, binary?: boolean) => {
    const { client } = await enter(t, target, CHAT);
    client.socket.send(data, binary === undefined ? {} : { binary });
    return await client.closed();
  };

  it('ends the connection: 4505', async (t) => {
    for (const text of noMessages)
      assert.deepEqual(await codeAfter(t, text), { code: 4505, reason: 'Bad message' }, text);
  });

  it('is a binary message, too, whatever it says: 1003', async (t) => {
    for (const bytes of ['{"type":"ping","id":1}', '', '\xff'])
      assert.equal((await codeAfter(t, Buffer.from(bytes, 'latin1'))).code, 1003, bytes);
  });

  it('is text that is not UTF-8, too: 1007', async (t) => {
    const bytes = Buffer.from('{"type":"ping","id":1,"more":"\xff"}', 'latin1');
    assert.equal((await codeAfter(t, bytes, false)).code, 1007);
  });

  it('leaves others alone', async (t) => {
    const { client } = await enter(t, target, CHAT);
    await codeAfter(t, 'hello');
    assert.equal(verdict(await client.ask({ type: 'ping' })), 'pong');
  });
});

describeOnAll(targets, 'a connection of postern.v1', (target) => {
  it('answers pings', async (t) => {
    const { client } = await enter(t, target, CHAT);
    await client.socket.ping();
  });

  it('echoes the close that its client sends', async (t) => {
    for (const code of [1000, 3999, 4321]) {
      const { client } = await enter(t, target, CHAT);
      await client.socket.close(code);
      assert.equal((await client.closed()).code, code);
    }
  });
});

describeOnAll(targets, 'too many commands', (target) => {
  it('are answered by rate_limited, each of them, and the connection stays', async (t) => {
    const { client } = await enter(t, target, CHAT);
    const verdicts = await excess(client);
    assert.deepEqual(new Set(verdicts), new Set(['pong', 'error rate_limited']));
    await client.socket.ping();
  });

  it('end the connection when they are ten times as many: 4029', async (t) => {
    const { client } = await enter(t, target, CHAT);
    await excess(client);
    for (let n = 0; n < MOST_COMMANDS * 10; n += 1) client.say({ type: 'ping' });
    assert.deepEqual(await client.closed(), { code: 4029, reason: 'Rate limited' });
  });
});

/** Says more at once than a gateway lets anybody say that has a limit, and returns what each is answered. */
async function excess(client: V1Client): Promise<readonly string[]> {
  const ids = Array.from({ length: MOST_COMMANDS }, () => client.say({ type: 'ping' }));
  const verdicts: string[] = [];
  for (const id of ids) verdicts.push(verdict(await client.reply(id)));
  if (!verdicts.includes('error rate_limited'))
    throw new LeftOut(`a limit on commands below ${MOST_COMMANDS} at once`);
  return verdicts;
}

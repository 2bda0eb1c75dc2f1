import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { startPreauth } from '../support/preauth.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { enter, said, tickets } from '../support/way-in.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

const MODERATOR = { mode: 'r', channel: 'meta', exp: inSeconds(600) } as const;

/** What is told of whoever is not the moderator, the time left out. */
async function setUp(environment: Readonly<Record<string, string>> = {}) {
  const gateway = await startPreauth(scope, {
    POSTERN_META_CHANNEL: 'meta',
    POSTERN_META_CLOSE: 'true',
    ...environment,
  });
  const moderator = await gateway.client(MODERATOR);
  scope.after(() => Promise.resolve(moderator.terminate()));
  const others = (): readonly string[] =>
    moderator.messages
      .filter((text) => !text.includes('"channel":"meta","exp"'))
      .map((text) =>
        text.replace(/"message_delivered_at":\d{10}\.\d{6}/, '"message_delivered_at":0'),
      );
  const told = (count: number): Promise<readonly string[]> =>
    until(`message ${count}`, () => others().length >= count && others());
  return { ...gateway, told };
}

/** What is said of a page of Ada's: who she is, and what she may, but nothing that names login or token. */
const meta = (members: string): string =>
  `{"channel":"meta","claims":{"message_delivered_at":0,"sub":"ada"},${members},"payload":"chat,room:*"}`;

describe('The meta channel, of postern.v1,', () => {
  it('is told who has come and what may be done, and by which code it ended', async () => {
    const { port, told } = await setUp();
    const client = await enter(port, await tickets(port));
    assert.deepEqual(await told(1), [meta('"event":"ConnectionOpen"')]);
    await client.close(4321);
    assert.equal((await told(2))[1], meta('"code":4321,"event":"ConnectionClose"'));
  });

  it('is told of an end by the gateway, and of one without a close frame', async () => {
    const { port, told, query } = await setUp();
    const [gone, revoked] = [
      await enter(port, await tickets(port)),
      await enter(port, await tickets(port)),
    ];
    await told(2);
    gone.terminate();
    assert.equal((await told(3))[2], meta('"code":1006,"event":"ConnectionClose"'));
    await query(`SELECT postern.revoke(sub => 'ada')`);
    await revoked.closed();
    assert.equal((await told(4))[3], meta('"code":4500,"event":"ConnectionClose"'));
  });

  it('is told nothing of whoever has yet to say who it is', async () => {
    const { port, wsUrl, told } = await setUp();
    const stranger = await WsClient.connect(`${wsUrl}/ws`, { protocols: ['postern.v1'] });
    stranger.send('hello');
    await stranger.closed();
    const client = await enter(port, await tickets(port));
    await said(client);
    assert.deepEqual(await told(1), [meta('"event":"ConnectionOpen"')]);
    await client.close();
  });

  it('is told of no end when it is not asked for', async () => {
    const { port, told } = await setUp({ POSTERN_META_CLOSE: 'false' });
    const first = await enter(port, await tickets(port));
    await first.close();
    const second = await enter(port, await tickets(port));
    const opened = meta('"event":"ConnectionOpen"');
    assert.deepEqual(await told(2), [opened, opened]);
    await second.close();
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { opcodes } from '../support/frames.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { inSeconds, signToken } from '../support/tokens.ts';

const CHAT = { mode: 'rw', channel: 'chat', exp: inSeconds(600) } as const;
const BURST = 20;

/** So slow that nothing is added while a test runs. */
const environment = {
  POSTERN_MESSAGES_PER_SECOND: '0.001',
  POSTERN_MESSAGE_BURST: String(BURST),
};

const scope = failOnLeaks();

/** Sends frames of one kind as fast as the socket takes them, and returns the close code. */
async function flood(
  { port }: TestGateway,
  opcode: number,
  claims: object = CHAT,
): Promise<{ readonly code: number; readonly reason: string }> {
  const socket = await RawSocket.connect(port);
  scope.after(() => Promise.resolve(socket.destroy()));
  await socket.upgrade(`/${await signToken({ ...claims })}`);
  for (let n = 0; n < 5_000; n++) socket.sendFrame({ opcode, payload: `the ${n}th` });
  for (;;) {
    const { opcode: kind, payload } = await socket.frame();
    if (kind === opcodes.close)
      return { code: payload.readUInt16BE(), reason: payload.toString('utf8', 2) };
  }
}

describe('A client that sends more than it may', () => {
  it('is closed with 4029 at the first message too many, which is not published', async () => {
    const database = await freshDatabase(scope);
    const { url, channel } = database;
    const heard = await listen(scope, database);
    const gateway = await startGateway(scope, {
      databaseUrl: url,
      environment: { ...environment, POSTERN_DATABASE_CHANNEL: channel },
    });
    const witness = await gateway.client({ ...CHAT, mode: 'rw' });

    assert.deepEqual(await flood(gateway, opcodes.text), { code: 4029, reason: 'Rate limited' });
    witness.send('the witness');
    const texts = await heard.heard(BURST + 1);
    await witness.ping();
    assert.equal(texts.length, BURST + 1);
    assert.match(texts[BURST] ?? '', /the witness/);
  });

  it('is closed for messages that would be ignored, pings and pongs as well', async () => {
    const gateway = await startGateway(scope, { environment });
    const closed = { code: 4029, reason: 'Rate limited' };
    assert.deepEqual(await flood(gateway, opcodes.text, { ...CHAT, mode: 'r' }), closed);
    assert.deepEqual(await flood(gateway, opcodes.ping), closed);
    assert.deepEqual(await flood(gateway, opcodes.pong), closed);
  });

  it('costs nobody else anything', async () => {
    const gateway = await startGateway(scope, { environment });
    const honest = await gateway.client(CHAT);
    await flood(gateway, opcodes.text);
    // What came through of the flood is heard first: both are in one channel.
    honest.send('still here');
    for (let n = 0; n < BURST; n++) assert.match(await honest.message(), /the \d+th/);
    assert.match(await honest.message(), /still here/);
  });

  it('may send a hundred at once, and fifty a second, when nothing is said', async () => {
    const gateway = await startGateway(scope, {
      environment: { POSTERN_MESSAGES_PER_SECOND: undefined },
    });
    const client = await gateway.client({ ...CHAT, mode: 'w' });
    for (let n = 0; n < 99; n++) client.send('a burst');
    await client.ping();
    for (let n = 0; n < 500; n++) client.send('a flood');
    assert.deepEqual(await client.closed(), { code: 4029, reason: 'Rate limited' });
  });

  it('may send what it likes where there is no limit', async () => {
    const gateway = await startGateway(scope, {
      environment: { POSTERN_MESSAGES_PER_SECOND: '0' },
    });
    const client = await gateway.client({ ...CHAT, mode: 'w' });
    for (let n = 0; n < 2_000; n++) client.send('x');
    await client.ping();
    await client.close();
  });
});

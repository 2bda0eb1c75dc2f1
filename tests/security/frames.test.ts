import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { codeAt, frameFaults } from '../support/frame-faults.ts';
import { closePayload, encodeFrame, opcodes } from '../support/frames.ts';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import { enter, stages } from '../support/rogue.ts';
import { inSeconds, signToken } from '../support/tokens.ts';

const scope = failOnLeaks();
const { url: databaseUrl, channel } = await freshDatabase({ after });

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };
const { continuation, text, binary, close, ping, pong } = opcodes;

function start(): Promise<TestGateway> {
  return startGateway(scope, {
    databaseUrl,
    environment: {
      POSTERN_DATABASE_CHANNEL: channel,
      POSTERN_POOL_SIZE: '1',
      // Without tables for longer messages.
      POSTERN_MIGRATE: 'false',
    },
  });
}

/** What each stage takes for a message, and what shows that it was one. */
const messages = {
  raw: ['fragments', /"payload":"fragments"/],
  v1: ['{"type":"ping","id":3}', /"type":"pong","id":3/],
  waiting: [JSON.stringify({ type: 'auth', id: 3, token: await signToken(claims) }), /"welcome"/],
} as const;

/** What the gateway itself finds wrong in a binary message, and how it says so. */
const wordings = [
  ['raw', Buffer.from([0x61, 0xff]), closePayload(1007, 'Invalid UTF-8')],
  ['raw', Buffer.from('x'.repeat(8_000)), closePayload(1009, 'Message too big')],
  ['v1', Buffer.from('{"type":"ping","id":3}'), closePayload(1003, 'Binary unsupported')],
  ['waiting', Buffer.from('{"type":"ping","id":3}'), closePayload(3000, 'Unauthorized')],
] as const;

describe('What breaks the rules of frames', () => {
  it('ends its own connection with the right code, is heard by nobody and harms nobody', async () => {
    const gateway = await start();
    const listener = await listen(scope, { url: databaseUrl, channel });
    const witness = await gateway.client(claims);

    for (const stage of stages)
      for (const [name, fault] of Object.entries(frameFaults)) {
        const rogue = await enter(scope, gateway.port, claims, stage);
        const bytes = fault.frames.map((frame) =>
          Buffer.isBuffer(frame) ? frame : encodeFrame(frame),
        );
        rogue.write(
          Buffer.concat([...bytes, encodeFrame({ opcode: text, payload: 'afterwards' })]),
        );
        const { opcode, payload } = await rogue.frame();
        const expected = [stage, name, close, codeAt(fault, stage)];
        assert.deepEqual([stage, name, opcode, payload.readUInt16BE()], expected);
        rogue.destroy();
      }
    witness.send('marker');
    assert.match(await witness.message(), /"payload":"marker"/);
    assert.equal((await listener.heard(1)).length, 1);
    await witness.close();
  });

  it('is no message that comes in many frames, with pings in between', async () => {
    const gateway = await start();
    for (const stage of stages) {
      const rogue = await enter(scope, gateway.port, claims, stage);
      const [whole, expected] = messages[stage];
      const size = Math.ceil(whole.length / 9);
      const parts = Array.from({ length: 9 }, (_, n) => whole.slice(n * size, (n + 1) * size));
      for (const [index, payload] of parts.entries()) {
        const fin = index === parts.length - 1;
        rogue.sendFrame({ opcode: index === 0 ? text : continuation, payload, fin });
        rogue.sendFrame({ opcode: ping, payload });
      }
      const answers = [];
      while (answers.length <= parts.length) answers.push(await rogue.frame());
      const pongs = answers.filter(({ opcode }) => opcode === pong);
      assert.equal(pongs.map(({ payload }) => payload.toString()).join(''), whole);
      const message = answers.find(({ opcode }) => opcode === text);
      assert.match(String(message?.payload), expected);
    }
  });

  it('is answered in the words of the failure table where the gateway itself finds it', async () => {
    const gateway = await start();
    for (const [stage, payload, expected] of wordings) {
      const rogue = await enter(scope, gateway.port, claims, stage);
      rogue.sendFrame({ opcode: binary, payload });
      assert.deepEqual((await rogue.frame()).payload, expected);
    }
  });

  it('is a flood of pings by a client that reads no pong: it is cut off', async () => {
    const gateway = await start();
    const witness = await gateway.client(claims);
    const rogue = await enter(scope, gateway.port, claims);
    rogue.pause();
    const pings = Buffer.concat(
      Array.from({ length: 500 }, () => encodeFrame({ opcode: ping, payload: 'x'.repeat(125) })),
    );
    let over = false;
    const ended = gateway.logged('session_ended', 20_000).finally(() => (over = true));
    while (!over) {
      rogue.write(pings);
      await witness.ping();
    }
    assert.equal((await ended)['code'], 1006);
    await witness.close();
  });
});

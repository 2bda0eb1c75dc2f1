import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { encodeFrame, opcodes } from '../support/frames.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { noProbe, probe } from '../support/process-probe.ts';
import type { RawSocket } from '../support/raw-socket.ts';
import { enter, stages } from '../support/rogue.ts';
import type { Stage } from '../support/rogue.ts';
import { serve } from '../support/served.ts';
import { inSeconds } from '../support/tokens.ts';

const target = await serve({ after }, await freshDatabase({ after }));
await target.ready();
const scope = failOnLeaks();

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };
const MIB = 1024 * 1024;
const chunk = Buffer.alloc(64 * 1024, 'x');

/** What was read and thrown away waits for the garbage collection, at some 35 MiB; kept, it is 100. */
const MOST_BYTES = 64 * MIB;

/** Sends 100 MiB as fast as they are taken, whatever the other side says; or until it is cut off. */
async function stream(rogue: RawSocket, next: Buffer): Promise<number> {
  for (let sent = 0; sent < 100 * MIB; sent += chunk.length) {
    if (!(await rogue.writeAll(next))) return sent;
  }
  return 100 * MIB;
}

/** A witness and a rogue, which has come so far; and what the gateway takes on from now on. */
async function setUp(stage: Stage) {
  const witness = await target.client(claims);
  const rogue = await enter(scope, target.port, claims, stage);
  const memory = probe(target.child.pid);
  memory.resetPeak();
  const before = memory.peakBytes();
  return {
    rogue,
    costs: () => memory.peakBytes() - before,
    assertUnharmed: async () => {
      witness.send('unharmed');
      assert.match(await witness.message(), /unharmed/);
      await witness.close();
    },
  };
}

describe('A hundred mebibytes', { skip: noProbe }, () => {
  const announced = encodeFrame({ opcode: opcodes.binary, announcedBytes: 100 * MIB });
  const first = encodeFrame({ opcode: opcodes.binary, payload: chunk, fin: false });
  const fragment = encodeFrame({ opcode: opcodes.continuation, payload: chunk, fin: false });
  const ways: Readonly<Record<string, readonly [Buffer, Buffer]>> = {
    'in one frame': [announced, chunk],
    'in fragments': [first, fragment],
  };

  for (const [name, [head, next]] of Object.entries(ways))
    it(`${name} cost no memory and are answered by 1009`, async () => {
      for (const stage of stages) {
        const { rogue, costs, assertUnharmed } = await setUp(stage);
        rogue.write(head);
        const sent = await stream(rogue, next);
        assert.ok(sent > 20 * MIB, `${stage}: only ${sent} bytes were taken`);
        assert.equal((await rogue.frame()).payload.readUInt16BE(), 1009, stage);
        assert.ok(costs() < MOST_BYTES, `${stage}: ${costs()} bytes`);
        await assertUnharmed();
      }
    });
});

describe('A flood of pings whose pongs nobody reads', { skip: noProbe }, () => {
  const one = encodeFrame({ opcode: opcodes.ping, payload: 'x'.repeat(125) });
  const pings = Buffer.concat(Array.from({ length: 500 }, () => one));

  it('costs no memory and is cut off, also before it is known who sends it', async () => {
    for (const stage of stages) {
      const { rogue, costs, assertUnharmed } = await setUp(stage);
      rogue.pause();
      const sent = await stream(rogue, pings);
      assert.ok(sent < 100 * MIB, `${stage}: it was never cut off`);
      assert.ok(costs() < MOST_BYTES, `${stage}: ${costs()} bytes`);
      await assertUnharmed();
    }
  });
});

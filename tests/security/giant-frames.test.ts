import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { encodeFrame, opcodes } from '../support/frames.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { noProbe, probe } from '../support/process-probe.ts';
import type { RawSocket } from '../support/raw-socket.ts';
import { enter } from '../support/rogue.ts';
import { serve } from '../support/served.ts';
import { inSeconds } from '../support/tokens.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

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

describe('A hundred mebibytes', { skip: noProbe }, () => {
  const announced = encodeFrame({ opcode: opcodes.binary, announcedBytes: 100 * MIB });
  const first = encodeFrame({ opcode: opcodes.binary, payload: chunk, fin: false });
  const fragment = encodeFrame({ opcode: opcodes.continuation, payload: chunk, fin: false });
  const ways: Readonly<Record<string, readonly [Buffer, Buffer]>> = {
    'in one frame': [announced, chunk],
    'in fragments': [first, fragment],
  };

  for (const [name, [head, next]] of Object.entries(ways)) {
    it(`${name} cost no memory and are answered by 1009`, async () => {
      const { child, port, ready, client } = await serve(scope, database);
      await ready();
      const witness = await client(claims);
      const rogue = await enter(scope, port, claims);
      const memory = probe(child.pid);
      memory.resetPeak();
      const before = memory.peakBytes();

      rogue.write(head);
      const sent = await stream(rogue, next);
      assert.ok(sent > 20 * MIB, `only ${sent} bytes were taken`);
      assert.equal((await rogue.frame()).payload.readUInt16BE(), 1009);
      const costs = memory.peakBytes() - before;
      assert.ok(costs < MOST_BYTES, `${costs} bytes`);

      witness.send('unharmed');
      assert.match(await witness.message(), /unharmed/);
      await witness.close();
    });
  }
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startChild } from '../support/child.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { findProgram, variableFor } from '../support/programs.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const scope = failOnLeaks();

const BENCH = fileURLToPath(new URL('../../bench/fan-out.js', import.meta.url));

/** These come with the dependencies; the others need not be installed. */
const ALWAYS = ['floor', 'postern raw', 'postern v1', 'bare socket', 'naive ws', 'Socket.IO'];
const OTHERS = ['nchan', 'Mosquitto', 'NATS'];

/** It starts them all, PostgreSQL as well, and waits two minutes itself for a message that does not come. */
const PATIENCE_MS = 240_000;

interface Row {
  readonly peer: string;
  readonly subscribers: number;
  readonly mode: string;
  readonly microsPerDelivery: Readonly<Record<'low' | 'median' | 'high', number>>;
  readonly ratioToFloor: Readonly<Record<'low' | 'median' | 'high', number>>;
}

describe('The bench of fan-out', () => {
  it('measures each server that is here, or names it, and every message is heard once by all', async (test) => {
    const folder = await scratchFolder(scope);
    const json = join(folder, 'report.json');
    const sizes = ['--subscribers', '20,50', '--rounds', '1', '--json', json];
    const bench = startChild(scope, process.execPath, [BENCH, ...sizes], {
      env: { [variableFor('gcc')]: findProgram('gcc') ?? '' },
    });
    const { code } = await bench.exited(PATIENCE_MS);
    test.diagnostic(bench.stdout);
    assert.equal(code, 0, bench.stderr);

    const report = JSON.parse(await readFile(json, 'utf8'));
    const missing = OTHERS.filter((name) => bench.stdout.includes(`Not measured: ${name}: `));
    assert.equal(report.missing.length, missing.length);
    const here = [...ALWAYS, ...OTHERS].filter((name) => !missing.includes(name));
    const rows: readonly Row[] = report.rows;
    const expected = [20, 50].flatMap((subscribers) =>
      ['single', 'burst'].flatMap((mode) => here.map((peer) => ({ peer, subscribers, mode }))),
    );
    assert.deepEqual(
      rows.map(({ peer, subscribers, mode }) => ({ peer, subscribers, mode })),
      expected,
    );
    for (const { peer, microsPerDelivery, ratioToFloor } of rows) {
      const { low, median, high } = microsPerDelivery;
      assert.ok(0 < low && low <= median && median <= high && high < 10_000, peer);
      if (peer === 'floor') assert.deepEqual(ratioToFloor, { median: 1, low: 1, high: 1 });
      // Nobody writes to sockets for much less than that.
      else assert.ok(ratioToFloor.median > 0.5, `${peer}: ${ratioToFloor.median}`);
    }
  });
});

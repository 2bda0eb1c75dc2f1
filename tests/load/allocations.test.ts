import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { countAllocations } from './allocations.ts';

/** Bytes, as they were when this was last looked at: Node 20.20. Whoever gets along with less lowers them. */
const USUAL = { notification: 1_970, single: 37, burst: 5.5 } as const;
const MOST = 1.2;

describe('The way from a notification to its subscribers', () => {
  it('allocates no more than it did, by a fifth, and writes once a turn to each socket', async (t) => {
    const counted = await countAllocations();
    t.diagnostic(JSON.stringify(counted));
    for (const what of ['notification', 'single', 'burst'] as const) {
      const { bytes } = counted[what];
      assert.ok(bytes > 0 && bytes <= USUAL[what] * MOST, `${what}: ${bytes} bytes`);
    }
    assert.deepEqual([counted.single.writes, counted.burst.writes], [1, 0.1]);
  });
});

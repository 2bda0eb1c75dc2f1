import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fence } from '#gateway/postgres/fence.js';

/** A fence, a clock to turn, and the server's, which shows 1,000 s more. */
function setUp() {
  let nowMs = 0;
  const fence = new Fence(() => nowMs);
  const serverSeconds = (): number => 1_000 + nowMs / 1000;
  fence.read(serverSeconds());
  return { fence, serverSeconds, pass: (ms: number) => void (nowMs += ms) };
}

describe('A fence', () => {
  it('knows no time before it was told of one', () => {
    const fence = new Fence(() => 0);
    assert.equal(fence.knowsTime, false);
    fence.read(7);
    assert.equal(fence.knowsTime, true);
  });

  it('gives leases of two seconds by the server’s clock, as that goes on', () => {
    const { fence, pass } = setUp();
    assert.equal(fence.lease(), 1_002);
    pass(3_500);
    assert.equal(fence.lease(), 1_005.5);
  });

  it('lets nothing wait where nothing is in doubt', () => {
    const { fence, serverSeconds, pass } = setUp();
    const { lock } = fence;
    fence.lease();
    assert.equal(fence.waitMs, 0);
    pass(100);
    fence.answered('open', serverSeconds());
    assert.deepEqual([fence.waitMs, fence.isDoubtful, fence.lock], [0, false, lock]);
  });

  it('makes the next batch wait until one in doubt may not begin any more', () => {
    const { fence, pass } = setUp();
    const lease = fence.lease();
    pass(500);
    fence.doubt(lease, 'doubtful');
    assert.equal(fence.waitMs, 1_500);
    pass(1_500);
    assert.equal(fence.waitMs, 0);
    assert.equal(fence.isDoubtful, true);
  });

  it('does not make it wait for a backend that has ended, or longer than a lease', () => {
    const { fence, serverSeconds, pass } = setUp();
    fence.doubt(fence.lease(), 'ended');
    assert.deepEqual([fence.waitMs, fence.isDoubtful], [0, true]);

    const lease = fence.lease();
    pass(10_000);
    fence.doubt(lease, 'doubtful');
    assert.equal(fence.waitMs, 0);
    // A clock that is set back by an hour is none to wait by.
    fence.doubt(fence.lease(), 'doubtful');
    fence.answered('held', serverSeconds() - 3_600);
    assert.equal(fence.waitMs, 2_000);
  });

  it('keeps its lock as long as what is in doubt may hold it, and takes another one from strangers', () => {
    const { fence, serverSeconds } = setUp();
    const { lock } = fence;
    fence.doubt(fence.lease(), 'doubtful');
    fence.answered('held', serverSeconds());
    assert.equal(fence.lock, lock);
    fence.answered('open', serverSeconds());
    assert.deepEqual([fence.lock, fence.waitMs], [lock, 0]);

    fence.answered('held', serverSeconds());
    assert.notEqual(fence.lock, lock);
    assert.equal(BigInt.asIntN(64, BigInt(fence.lock)), BigInt(fence.lock));
  });

  it('gives longer leases where batches come late, up to eight seconds, until one goes through', () => {
    const { fence, serverSeconds } = setUp();
    const lengths = [1, 2, 3].map(() => {
      fence.answered('late', serverSeconds());
      return fence.lease() - serverSeconds();
    });
    assert.deepEqual(lengths, [4, 8, 8]);
    fence.answered('open', serverSeconds());
    assert.equal(fence.lease() - serverSeconds(), 2);
  });
});

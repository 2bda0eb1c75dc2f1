import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { claim } from '#gateway/cli/embedded/claim.js';
import { GatewayError } from '#gateway/errors.js';

const parent = mkdtempSync(join(tmpdir(), 'postern-claim-'));
after(() => rmSync(parent, { recursive: true }));

const fresh = (): string => join(mkdtempSync(join(parent, 'run-')), 'data');

/** No process has this id: it is above the most that Linux and macOS give. */
const DEAD = '2147483647 1';

const ROUNDS = 20;
const STARTS = 8;

describe('claim', () => {
  it('refuses a second one, naming the first, until it is given back', async () => {
    const dataDir = fresh();
    const release = await claim(dataDir);
    await assert.rejects(claim(dataDir), isInUse);
    await release();
    assert.deepEqual(filesOf(dataDir), []);
    await claim(dataDir);
  });

  for (const [what, stale] of Object.entries({
    'nobody had': [],
    'a dead process had': ['.owner'],
    'a process died taking over': ['.owner', '.owner.next'],
  }))
    it(`lets exactly one of many starts at once have what ${what}`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const dataDir = fresh();
        for (const suffix of stale) writeFileSync(dataDir + suffix, DEAD);
        const outcomes = await Promise.allSettled(
          Array.from({ length: STARTS }, () => claim(dataDir)),
        );

        const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
        assert.equal(lost.length, STARTS - 1);
        assert.ok(lost.every(({ reason }) => isInUse(reason)));
        assert.match(readFileSync(`${dataDir}.owner`, 'utf8'), new RegExp(`^${process.pid} `));
        assert.deepEqual(filesOf(dataDir), [`${basename(dataDir)}.owner`]);
      }
    });
});

function filesOf(dataDir: string): readonly string[] {
  return readdirSync(join(dataDir, '..'));
}

function isInUse(error: unknown): boolean {
  assert.ok(error instanceof GatewayError);
  assert.match(error.message, new RegExp(`Process ${process.pid} already runs a server`));
  return true;
}

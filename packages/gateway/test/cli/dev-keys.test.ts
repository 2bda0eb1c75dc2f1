import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { DATA, devKeys } from '#gateway/cli/dev-keys.js';
import { GatewayError } from '#gateway/errors.js';

const parent = mkdtempSync(join(tmpdir(), 'postern-keys-'));
after(() => rmSync(parent, { recursive: true }));

const fresh = (): string => join(mkdtempSync(join(parent, 'run-')), '.postern');

describe('devKeys', () => {
  it('makes keys at the first call and gives the same ever after', () => {
    const folder = fresh();
    const keys = devKeys(folder);
    assert.ok(keys.jwtSecret.length >= 32);
    assert.equal(new Set(Object.values(keys)).size, 3);
    assert.deepEqual(devKeys(folder), keys);
    assert.notDeepEqual(devKeys(fresh()), keys);
  });

  it('lets nobody else read them, in a folder that was open before, too', () => {
    const folder = fresh();
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    devKeys(folder);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, 'keys.json')).mode & 0o777, 0o600);
  });

  for (const [what, text] of Object.entries({
    'no JSON': '{"jwtSecret":',
    'no object': '"hunter2"',
    'a key missing': '{"jwtSecret":"hunter2","databasePassword":"hunter2"}',
    'a key that is no text':
      '{"jwtSecret":"hunter2","databasePassword":"hunter2","rolePassword":1}',
  }))
    it(`says how to begin anew, and nothing of the content, when the file holds ${what}`, () => {
      const folder = fresh();
      mkdirSync(folder);
      writeFileSync(join(folder, 'keys.json'), text);
      assert.throws(() => devKeys(folder), isBroken);
    });

  it('makes no new keys for a database that has the old password', () => {
    const folder = fresh();
    mkdirSync(join(folder, DATA), { recursive: true });
    assert.throws(() => devKeys(folder), isBroken);
  });
});

function isBroken(error: unknown): boolean {
  assert.ok(error instanceof GatewayError);
  assert.equal(error.code, 'POSTERN_CONFIG');
  assert.match(error.message, /Remove its folder to begin anew/);
  assert.doesNotMatch(error.message, /hunter2/);
  return true;
}

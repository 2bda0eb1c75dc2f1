import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failures, retryAfter } from '@postern/client/protocol';
import type { Failure } from '@postern/client/protocol';
import type { Fields } from '#gateway/observe/log.js';
import { createCloseCodes } from '#gateway/session/close-codes.js';
import type { Closing } from '#gateway/session/session.js';

const closing = Object.values<Failure>(failures).filter(
  (failure): failure is Closing => failure.close !== undefined,
);

/** What was said of these codes. */
function saidOf(replaced: Parameters<typeof createCloseCodes>[0]): readonly (Fields | undefined)[] {
  const said: (Fields | undefined)[] = [];
  createCloseCodes(replaced, (event, fields) => {
    assert.equal(event, 'close_code_misleads');
    said.push(fields);
  });
  return said;
}

describe('The close code of a failure', () => {
  it('is that of the table when nothing is replaced', () => {
    const closeCodeOf = createCloseCodes(undefined, () => assert.fail('nothing to say'));
    for (const failure of closing) assert.equal(closeCodeOf(failure), failure.close);
  });

  it('is the one that was put in its place, and no other changes', () => {
    const closeCodeOf = createCloseCodes({ tokenExpired: 4401, revoked: 4401 }, () => undefined);
    for (const failure of closing) {
      const replaced = failure === failures.tokenExpired || failure === failures.revoked;
      assert.equal(closeCodeOf(failure), replaced ? 4401 : failure.close);
    }
  });

  it('is warned of when it says the opposite of what the failure calls for', () => {
    for (const [replaced, taken] of [
      [{ tokenExpired: 4500 }, 'no'],
      [{ tokenExpired: 3999 }, 'no'],
      [{ tokenExpired: 1008 }, 'no'],
      [{ revoked: 4499 }, 'yes'],
      [{ revoked: 3000 }, 'new-token'],
      [{ tokenInvalid: 1001 }, 'yes'],
      [{ slowConsumer: 3003 }, 'no'],
    ] as const) {
      const [[name, code] = []] = Object.entries(replaced);
      const row = Object.entries<Failure>(failures).find(([key]) => key === name)?.[1];
      assert.deepEqual(saidOf(replaced), [{ failure: name, code, retry: row?.retry, taken }]);
    }
  });

  it('is not when it leads a client to the same, whether by the table or by its range', () => {
    for (const replaced of [
      { tokenExpired: 4401 },
      { tokenExpired: 3000 },
      { revoked: 4600 },
      { revoked: 3003 },
      { slowConsumer: 1013 },
      { forbidden: 4504 },
    ])
      assert.deepEqual(saidOf(replaced), [], JSON.stringify(replaced));
  });

  it('leads nobody astray as it stands in the table', () => {
    for (const { close, retry } of closing) assert.equal(retryAfter(close), retry);
  });
});

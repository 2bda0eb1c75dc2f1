import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { errorOfClose, errorOfReply, PosternError, trouble } from '#client/errors.js';
import { failures } from '#client/protocol.js';
import type { Failure } from '#client/protocol.js';

const rows = Object.entries<Failure>(failures);
const codeOf = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

describe('errorOfClose', () => {
  for (const [name, { close, reason, retry }] of rows) {
    if (close === undefined) continue;
    it(`takes ${close} for ${name}, and its advice with it`, () => {
      const error = errorOfClose(close, reason);
      assert.equal(error.code, codeOf(name));
      assert.equal(error.retry, retry);
      assert.equal(error.closeCode, close);
      assert.equal(error.message, reason === '' ? codeOf(name) : reason);
    });
  }

  it('knows a failure by its code alone, where a proxy has lost the reason', () => {
    assert.equal(errorOfClose(3001, '').code, 'token_expired');
    assert.equal(errorOfClose(4500, 'gone').code, 'revoked');
    assert.equal(errorOfClose(4500, 'gone').message, 'gone');
  });

  it('knows a failure by its reason, where a deployment has given it another code', () => {
    for (const [name, { close, reason, retry }] of rows) {
      if (close === undefined || reason === '') continue;
      for (const changed of [4999, 4000, 3001]) {
        const error = errorOfClose(changed, reason);
        assert.deepEqual([error.code, error.retry], [codeOf(name), retry]);
        assert.equal(error.closeCode, changed);
      }
    }
  });

  it('goes by the range of a code that nobody knows', () => {
    for (const [code, retry] of [
      [3499, 'yes'],
      [3500, 'no'],
      [3999, 'no'],
      [4499, 'yes'],
      [4999, 'no'],
    ] as const) {
      const error = errorOfClose(code, '');
      assert.deepEqual([error.code, error.retry, error.closeCode], [`closed_${code}`, retry, code]);
    }
  });

  it('takes for lost what was never closed, whatever a runtime calls that', () => {
    for (const code of [1006, 1005]) {
      const error = errorOfClose(code, '');
      assert.deepEqual([error.code, error.retry], ['connection_lost', 'yes']);
      assert.equal(error.closeCode, undefined);
    }
    assert.equal(errorOfClose(1015, '').code, 'closed_1015');
  });
});

describe('PosternError', () => {
  it('is an Error with a name, and its cause', () => {
    const cause = new TypeError('below');
    const error = new PosternError('forbidden', 'Forbidden', 'no', { status: 403, cause });
    assert.ok(error instanceof Error);
    assert.equal(String(error), 'PosternError: Forbidden');
    assert.equal(error.cause, cause);
    assert.equal(error.status, 403);
    assert.equal(error.closeCode, undefined);
  });

  it('says what a reply says', () => {
    const error = errorOfReply({ code: 'rate_limited', message: 'Slower', retry: 'yes' });
    assert.deepEqual([error.code, error.message, error.retry], ['rate_limited', 'Slower', 'yes']);
  });

  it('says of its own codes what they are, and more where that helps', () => {
    assert.equal(trouble('queue_full').message, 'queue full');
    assert.equal(trouble('no_token').message, 'no token: nobody is logged in');
    assert.equal(trouble('unreachable').retry, 'yes');
    assert.equal(trouble('outcome_unknown').retry, 'no');
    assert.equal(trouble('bad_answer', { status: 502 }).status, 502);
  });
});

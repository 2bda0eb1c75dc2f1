import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { failures, retryAfter } from '#client/protocol.js';
import type { Failure } from '#client/protocol.js';

/** Registered with IANA for what must not come back, in a range that may. */
const FORBIDDEN = 3003;

const rows = Object.entries<Failure>(failures);

describe('The failure table', () => {
  it('has a reason that fits into a close frame, and advice, for every failure', () => {
    for (const [name, { reason, advice }] of rows) {
      assert.ok(Buffer.byteLength(reason) <= 123, name);
      assert.match(advice, /\.$/, name);
    }
  });

  it('names each close code once: a client can tell failures apart', () => {
    const codes = rows.map(([, { close }]) => close).filter((code) => code !== undefined);
    assert.equal(new Set(codes).size, codes.length);
  });

  it('uses close codes as RFC 6455 §7.4 allows a server to', () => {
    for (const [name, { close }] of rows) {
      if (close === undefined) continue;
      const standard = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013];
      assert.ok(standard.includes(close) || (close >= 3000 && close <= 4999), name);
    }
  });

  it('keeps to its own rule for ranges, but for the one code that others have registered', () => {
    for (const [name, { close, retry }] of rows) {
      if (close === undefined || close < 3000) continue;
      assert.equal(retry === 'no', close % 1000 >= 500 || close === FORBIDDEN, name);
    }
  });

  it('says of an expired token what the original said, by the same code', () => {
    assert.equal(failures.tokenExpired.close, 3001);
    assert.equal(failures.tokenExpired.reason, 'JWT expired');
  });

  it('can tell a client of every failure, by HTTP or by a close frame', () => {
    for (const [name, { http, close }] of rows)
      assert.ok(http !== undefined || close !== undefined, name);
  });
});

describe('retryAfter', () => {
  it('follows the table for the codes that are in it', () => {
    for (const [name, { close, retry }] of rows)
      if (close !== undefined) assert.equal(retryAfter(close), retry, name);
  });

  it('follows the range for a code that it does not know', () => {
    assert.equal(retryAfter(3499), 'yes');
    assert.equal(retryAfter(3500), 'no');
    assert.equal(retryAfter(4499), 'yes');
    assert.equal(retryAfter(4999), 'no');
  });

  it('lets a client come back after whatever broke a connection', () => {
    assert.equal(retryAfter(1006), 'yes');
    assert.equal(retryAfter(1005), 'yes');
  });

  it('has an answer for every number', () => {
    fc.assert(
      fc.property(fc.integer(), (code) => ['yes', 'no', 'new-token'].includes(retryAfter(code))),
    );
  });
});

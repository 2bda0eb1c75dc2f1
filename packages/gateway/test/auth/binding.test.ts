import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cidOf, isBound } from '#gateway/auth/binding.js';
import { createSigningKeys } from '#gateway/auth/signing-keys.js';
import { keyOf, newSecret, oldSecret } from './forging.ts';

const keys = createSigningKeys([newSecret, oldSecret]);
const ada = { iss: 'https://id.test', sub: 'ada', sid: 's1' };

/** Characters that parts are likely to be mixed up by, surrogates without a partner among them. */
const text = fc
  .array(fc.constantFrom('a', 'b', '', '\0', '\u0002', '.', 'ä', '\ud800', '\udc00', '\ufffd'), {
    maxLength: 3,
  })
  .map((characters) => characters.join(''));
const identity = fc.record({ iss: text, sub: text, sid: text });

describe('The cid', () => {
  it('is 128 bits of an HMAC over the parts, each with its length in front', () => {
    const mac = createHmac('sha256', keyOf('cid'));
    for (const part of [ada.iss, ada.sub, ada.sid]) {
      const bytes = Buffer.from(part, 'utf16le');
      mac.update(Buffer.from([0, 0, 0, bytes.length])).update(bytes);
    }
    const expected = mac.digest().subarray(0, 16).toString('base64url');
    assert.equal(cidOf(ada, 'new', keys), expected);
    assert.match(expected, /^[\w-]{22}$/);
  });

  it('is the same for the same login, whatever else is known of it', () => {
    assert.equal(cidOf({ ...ada }, 'new', keys), cidOf(ada, 'new', keys));
  });

  it('differs from secret to secret', () => {
    assert.notEqual(cidOf(ada, 'old', keys), cidOf(ada, 'new', keys));
  });

  it('is none under a kid that is not known', () => {
    assert.equal(cidOf(ada, 'gone', keys), undefined);
  });

  for (const [one, other] of [
    [
      ['ab', 'c', ''],
      ['a', 'bc', ''],
    ],
    [
      ['', 'ab', ''],
      ['', 'a', 'b'],
    ],
    [
      ['a', '', 'b'],
      ['', 'a', 'b'],
    ],
    [
      ['', 'a\0', 'b'],
      ['', 'a', '\0b'],
    ],
    [
      ['', '\ud800', ''],
      ['', '\ud801', ''],
    ],
    [
      ['', '\ud800', ''],
      ['', '\ufffd', ''],
    ],
    [
      ['', 'ä', ''],
      ['', 'a\u0308', ''],
    ],
  ] as const)
    it(`tells ${JSON.stringify(one)} from ${JSON.stringify(other)}`, () => {
      const [first, second] = [one, other].map(([iss, sub, sid]) => ({ iss, sub, sid }));
      assert.ok(first !== undefined && second !== undefined);
      assert.notEqual(cidOf(first, 'new', keys), cidOf(second, 'new', keys));
    });

  it('differs for every two logins that differ anywhere', () => {
    fc.assert(
      fc.property(identity, identity, (one, other) => {
        const isSame = one.iss === other.iss && one.sub === other.sub && one.sid === other.sid;
        assert.equal(cidOf(one, 'new', keys) === cidOf(other, 'new', keys), isSame);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('A CSRF token and an auth cookie', () => {
  const csrf = (kid: string, of = ada) => ({ cid: cidOf(of, kid, keys) ?? '', kid });

  it('belong together when they are of one login, under either key', () => {
    assert.equal(isBound(csrf('new'), ada, keys), true);
    assert.equal(isBound(csrf('old'), ada, keys), true);
  });

  it('do not when any part of the login differs', () => {
    for (const part of [{ iss: 'https://id.tes' }, { sub: 'Ada' }, { sid: '' }])
      assert.equal(isBound(csrf('new'), { ...ada, ...part }, keys), false);
  });

  it('do not when the cid is of another key than the token', () => {
    assert.equal(isBound({ ...csrf('old'), kid: 'new' }, ada, keys), false);
  });

  it('do not under a kid that is not known, whatever the cid', () => {
    for (const cid of ['', 'undefined', csrf('new').cid])
      assert.equal(isBound({ cid, kid: 'gone' }, ada, keys), false);
  });

  it('do not when the cid is cut, longer, or spelt otherwise', () => {
    const { cid } = csrf('new');
    for (const other of ['', cid.slice(0, -1), cid.slice(0, 21), `${cid}A`, `${cid}==`, `${cid} `])
      assert.equal(isBound({ cid: other, kid: 'new' }, ada, keys), false, other);
  });

  it('do not when any one bit of the cid differs', () => {
    for (let bit = 0; bit < 128; bit++) {
      const bytes = Buffer.from(csrf('new').cid, 'base64url');
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(isBound({ cid: bytes.toString('base64url'), kid: 'new' }, ada, keys), false);
    }
  });
});

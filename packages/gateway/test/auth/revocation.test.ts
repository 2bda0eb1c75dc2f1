import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { issuedAtOf, Revocations } from '#gateway/auth/revocation.js';

const NOW = 1_700_000_000;
const word = { kind: 'sub', value: 'ada', before: NOW, keptUntil: NOW + 60 } as const;

describe('Revocations', () => {
  it('are of what was issued up to a moment, and no later', () => {
    const known = new Revocations([word]);
    for (const iat of [undefined, -1, 0, NOW - 1, NOW])
      assert.ok(known.includes({ sub: 'ada', iat }, NOW + 1), String(iat));
    for (const iat of [NOW + 0.001, NOW + 1])
      assert.ok(!known.includes({ sub: 'ada', iat }, NOW + 1), String(iat));
  });

  it('are of a user, a login or a token, each by its own name', () => {
    const known = new Revocations([word, { ...word, kind: 'sid', value: 'x' }]);
    for (const claims of [
      { sid: 'ada' },
      { jti: 'ada' },
      { sub: 'x' },
      { sub: ['ada'] },
      { sub: 1 },
    ])
      assert.ok(!known.includes(claims, NOW), JSON.stringify(claims));
    assert.ok(known.includes({ sub: 'bob', sid: 'x' }, NOW));
    assert.ok(!known.includes(Object.create({ sub: 'ada' }), NOW), 'what is inherited is no claim');
  });

  it('are forgotten when their time is over', () => {
    const known = new Revocations([word]);
    assert.ok(known.includes({ sub: 'ada' }, NOW + 59.9));
    assert.ok(!known.includes({ sub: 'ada' }, NOW + 60));
  });

  it('hold for ever where they say so', () => {
    const known = new Revocations([{ ...word, before: Infinity, keptUntil: Infinity }]);
    assert.ok(known.includes({ sub: 'ada', iat: 1e12 }, 1e12));
  });

  it('are replaced as a whole, or one by one', () => {
    const known = new Revocations([word]);
    known.add([{ ...word, value: 'bob' }]);
    known.add([{ ...word, value: 'bob', before: NOW + 5 }]);
    assert.ok(known.includes({ sub: 'ada' }, NOW));
    assert.ok(known.includes({ sub: 'bob', iat: NOW + 5 }, NOW + 6));
    known.replace([{ ...word, value: 'eve' }]);
    assert.ok(!known.includes({ sub: 'ada' }, NOW) && !known.includes({ sub: 'bob' }, NOW));
    assert.ok(known.includes({ sub: 'eve' }, NOW));
  });
});

describe('issuedAtOf', () => {
  it('is what a number says that can be a time, and else before everything', () => {
    for (const iat of [undefined, null, '1', -5, Infinity, NaN])
      assert.equal(issuedAtOf({ iat }), 0, String(iat));
    assert.equal(issuedAtOf({ iat: NOW + 0.5 }), NOW + 0.5);
  });
});

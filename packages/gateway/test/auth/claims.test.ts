import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkClaims } from '#gateway/auth/claims.js';
import type { ClaimRules } from '#gateway/auth/claims.js';
import { parseObject } from '#gateway/auth/decode.js';
import { tokenProblems } from '#gateway/auth/problems.js';
import { now } from './signing.ts';

const noRules: ClaimRules = {
  audiences: [],
  issuers: [],
  types: [],
  requireExp: false,
  requireClaims: [],
  expLeewaySeconds: 0,
  clockLeewaySeconds: 0,
};

/** The name of the problem row, or `ok`. */
function outcome(
  claims: object | string,
  rules: Partial<ClaimRules> = {},
  type?: string,
  at = now,
): string {
  const parsed = parseObject(typeof claims === 'string' ? claims : JSON.stringify(claims)) ?? {};
  const token = { algorithm: 'HS256', keyId: undefined, type, claims: parsed };
  const result = checkClaims(token, { ...noRules, ...rules }, at);
  if (!('problem' in result)) return 'ok';
  return Object.entries(tokenProblems).find(([, row]) => row === result.problem)?.[0] ?? 'no row';
}

const tenYears = 10 * 365.25 * 86_400;

describe('exp', () => {
  it('ends a token at its very second, or as much later as the leeway says', () => {
    assert.equal(outcome({ exp: now + 0.001 }), 'ok');
    assert.equal(outcome({ exp: now }), 'expired');
    assert.equal(outcome({ exp: 0 }), 'expired');
    assert.equal(outcome({ exp: -1e300 }), 'expired');
    assert.equal(outcome({ exp: now - 59.5 }, { expLeewaySeconds: 60 }), 'ok');
    assert.equal(outcome({ exp: now - 60 }, { expLeewaySeconds: 60 }), 'expired');
    assert.equal(outcome({ exp: now - 1 }, { clockLeewaySeconds: 60 }), 'expired');
  });

  it('lies at most ten years ahead', () => {
    assert.equal(outcome({ exp: now + tenYears }), 'ok');
    assert.equal(outcome({ exp: now + tenYears + 1 }), 'absurdExp');
    assert.equal(outcome({ exp: now * 1000 }), 'absurdExp');
    assert.equal(outcome({ exp: Number.MAX_VALUE }), 'absurdExp');
  });

  it('may be absent only where it is not required', () => {
    assert.equal(outcome({}), 'ok');
    assert.equal(outcome({}, { requireExp: true }), 'missingExp');
    assert.equal(outcome({ exp: now + 1 }, { requireExp: true }), 'ok');
  });
});

describe('nbf and iat', () => {
  it('lie no further ahead than the leeway', () => {
    for (const [claim, problem] of [
      ['nbf', 'notYetValid'],
      ['iat', 'issuedInFuture'],
    ] as const) {
      assert.equal(outcome({ [claim]: now }), 'ok');
      assert.equal(outcome({ [claim]: now + 0.001 }), problem);
      assert.equal(outcome({ [claim]: now + 5 }, { clockLeewaySeconds: 5 }), 'ok');
      assert.equal(outcome({ [claim]: now + 5.001 }, { clockLeewaySeconds: 5 }), problem);
      assert.equal(outcome({ [claim]: now + 5 }, { expLeewaySeconds: 60 }), problem);
      assert.equal(outcome({ [claim]: now * 1000 }, { clockLeewaySeconds: 5 }), problem);
    }
  });
});

describe('a time', () => {
  const rows = { exp: 'malformedExp', nbf: 'malformedNbf', iat: 'malformedIat' };

  for (const [claim, problem] of Object.entries(rows))
    for (const text of ['1e400', '-1e400', '"1800000060"', '""', 'null', 'true', '[1]', '[]', '{}'])
      it(`${claim} is refused as ${text}`, () => {
        assert.equal(outcome(`{"${claim}":${text}}`), problem);
      });

  it('that is malformed is told before one that does not hold', () => {
    assert.equal(outcome({ exp: 1, iat: 'now' }), 'malformedIat');
    assert.equal(outcome({ exp: 1, aud: 1 }, { audiences: ['x'] }), 'malformedAud');
  });

  it('that comes twice counts as the last one says', () => {
    assert.equal(outcome(`{"exp":${now + 9},"exp":1}`), 'expired');
    assert.equal(outcome(`{"exp":1,"exp":${now + 9}}`), 'ok');
  });

  it('passes as the rules say, whatever its value', () => {
    const second = fc.oneof(fc.double(), fc.integer(), fc.double({ min: now - 9, max: now + 9 }));
    const time = fc.option(second, { nil: undefined });
    const leeway = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(
        fc.record({ exp: time, nbf: time, iat: time }),
        leeway,
        leeway,
        (at, late, ahead) => {
          const token = { algorithm: '', keyId: undefined, type: undefined, claims: present(at) };
          const rules = { ...noRules, expLeewaySeconds: late, clockLeewaySeconds: ahead };
          const { exp = now + 1, nbf = now, iat = now } = at;

          const holds =
            [exp, nbf, iat].every(Number.isFinite) &&
            now < exp + late &&
            exp <= now + tenYears &&
            Math.max(nbf, iat) <= now + ahead;
          assert.equal('expiresAt' in checkClaims(token, rules, now), holds);
        },
      ),
    );
  });
});

describe('iss, aud and typ', () => {
  it('are not looked at unless configured', () => {
    assert.equal(outcome({ iss: 5, aud: { a: [] } }, {}, 'x'), 'ok');
  });

  it('iss is one of the accepted texts, to the letter', () => {
    const rules = { issuers: ['https://a.test', 'https://b.test'] };
    assert.equal(outcome({ iss: 'https://b.test' }, rules), 'ok');
    for (const iss of ['https://b.test/', 'HTTPS://B.TEST', '', ['https://b.test'], 1, undefined])
      assert.equal(outcome({ iss }, rules), 'wrongIssuer');
  });

  it('aud is one of the accepted texts, or a list that has one', () => {
    const rules = { audiences: ['postern', 'chat'] };
    for (const aud of ['chat', ['postern'], ['x', 'chat']])
      assert.equal(outcome({ aud }, rules), 'ok');
    for (const aud of ['Chat', 'chat ', '', [], ['x'], undefined])
      assert.equal(outcome({ aud }, rules), 'wrongAudience');
    for (const aud of [1, null, true, {}, [['chat']], ['chat', 1], [null], { 0: 'chat' }])
      assert.equal(outcome({ aud }, rules), 'malformedAud');
  });

  it('typ is one of the accepted media types, in any case, with application/ or without', () => {
    const rules = { types: ['at+jwt', 'application/x'] };
    for (const type of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'x'])
      assert.equal(outcome({}, rules, type), 'ok');
    for (const type of ['JWT', '', 'at+jwt ', 'text/at+jwt', undefined])
      assert.equal(outcome({}, rules, type), 'wrongType');
  });
});

describe('a required claim', () => {
  const rules = { requireClaims: ['sub', 'jti'] };

  it('is there and says something', () => {
    assert.equal(outcome({ sub: 'ada', jti: '1' }, rules), 'ok');
    assert.equal(outcome({ sub: 0, jti: false }, rules), 'ok');
    for (const jti of ['', null, undefined])
      assert.equal(outcome({ sub: 'ada', jti }, rules), 'missingClaim');
  });

  it('cannot come from a prototype', () => {
    assert.equal(outcome({}, { requireClaims: ['constructor'] }), 'missingClaim');
    assert.equal(outcome('{"__proto__":{"sub":"ada","jti":"1"}}', rules), 'missingClaim');
  });

  it('is looked for after everything else', () => {
    const all = { issuers: ['a'], audiences: ['a'], types: ['a'], requireClaims: ['sub'] };
    assert.equal(outcome({ exp: 1, nbf: now + 1, iat: now + 1 }, all), 'expired');
    assert.equal(outcome({ nbf: now + 1, iat: now + 1 }, all), 'notYetValid');
    assert.equal(outcome({ iat: now + 1 }, all), 'issuedInFuture');
    assert.equal(outcome({}, all), 'wrongIssuer');
    assert.equal(outcome({ iss: 'a' }, all), 'wrongAudience');
    assert.equal(outcome({ iss: 'a', aud: 'a' }, all), 'wrongType');
    assert.equal(outcome({ iss: 'a', aud: 'a' }, all, 'a'), 'missingClaim');
    assert.equal(outcome({ iss: 'a', aud: 'a', sub: 'a' }, all, 'a'), 'ok');
  });
});

function present(times: Readonly<Record<string, number | undefined>>) {
  return Object.fromEntries(Object.entries(times).filter(([, value]) => value !== undefined));
}

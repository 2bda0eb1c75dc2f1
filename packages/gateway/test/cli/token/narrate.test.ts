import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadKeys } from '#gateway/auth/keys.js';
import { tokenProblems } from '#gateway/auth/problems.js';
import { parseToken } from '#gateway/auth/token.js';
import { narrate } from '#gateway/cli/token/narrate.js';
import { stepOf, steps } from '#gateway/cli/token/steps.js';
import type { Subject } from '#gateway/cli/token/steps.js';
import { goodClaims, now, p256Pair, publicJwk, secret, signToken } from '../../auth/signing.ts';

const rules = {
  audiences: ['app'],
  issuers: [],
  types: [],
  requireExp: true,
  requireClaims: ['sub', 'jti'],
  expLeewaySeconds: 0,
  clockLeewaySeconds: 5,
};

function subject(text: string, more: Partial<Subject> = {}): Subject {
  const parsed = parseToken(text);
  assert.ok('token' in parsed);
  const keys = loadKeys({ jwtSecret: secret, jwtSecretBase64: false });
  return { token: parsed.token, keys, rules, channel: undefined, nowSeconds: now, ...more };
}

const refused = (text: string) => ({ status: 400, text }) as const;

function foundAt(step: string, told: ReturnType<typeof narrate>): string {
  return told.find((row) => row.step === step)?.found ?? '';
}

describe('The steps of a token', () => {
  for (const [name, { raw }] of Object.entries(tokenProblems))
    it(`have one that fails for ${name}, whose text is its own`, () => {
      const told = narrate(refused(raw), subject(signToken()));
      const failed = told.filter(({ outcome }) => outcome === 'failed');
      assert.equal(failed.length, 1);
      assert.equal(failed[0]?.step, Object.entries(stepOf).find(([key]) => key === name)?.[1]);
      const texts = Object.values(tokenProblems).filter((problem) => problem.raw === raw);
      assert.equal(texts.length, 1);
    });

  it('are named once, and stand in the order in which the gate looks', () => {
    assert.equal(new Set(steps.map(({ name }) => name)).size, steps.length);
    const told = narrate(refused(tokenProblems.expired.raw), subject(signToken()));
    const outcomes = told.map(({ outcome }) => outcome).join(' ');
    assert.match(outcomes, /^(passed )+failed( not reached)+$/);
  });

  it('end at the form where there is none, whatever is wrong with it', () => {
    for (const problem of ['notThreeParts', 'malformedPayload', 'missingMode'] as const) {
      const [first, ...rest] = narrate(refused(tokenProblems[problem].raw), undefined);
      assert.equal(first?.outcome, 'failed');
      assert.ok(rest.every(({ outcome }) => outcome === 'not reached'));
    }
  });

  it('have a form where only the header is refused', () => {
    const told = narrate(refused(tokenProblems.unsigned.raw), undefined);
    assert.deepEqual(
      told.slice(0, 3).map(({ step, outcome }) => [step, outcome]),
      [
        ['form', 'passed'],
        ['header', 'failed'],
        ['key', 'not reached'],
      ],
    );
  });

  it('hold each claim against the rule and the clock', () => {
    const claims = { ...goodClaims, exp: now - 90, nbf: now + 7, aud: ['x'], sub: 'ada' };
    const grant = { channels: ['chat'], readable: ['chat'], writable: ['chat'] };
    const told = narrate(
      { status: 101, grant, expiresAt: undefined },
      subject(signToken({ claims }), { channel: 'x' }),
    );
    assert.match(foundAt('exp', told), /\(2027-.*Z\), 90 s ago; leeway 0 s/);
    assert.match(foundAt('nbf', told), /7 s ahead; leeway 5 s/);
    assert.match(foundAt('iat', told), /^none/);
    assert.match(foundAt('aud', told), /\["x"\]; one of app is asked for/);
    assert.match(foundAt('iss', told), /^none; not checked/);
    assert.match(foundAt('required', told), /^sub, jti \(missing\)$/);
    assert.match(foundAt('channels', told), /channel "chat"; asked for "x"/);
  });

  it('say of a signature whether there was a key for it at all', () => {
    const bad = refused(tokenProblems.badSignature.raw);
    const failed = (told: ReturnType<typeof narrate>) =>
      told.find(({ outcome }) => outcome === 'failed');
    assert.equal(failed(narrate(bad, subject(signToken())))?.step, 'signature');

    const other = { algorithm: 'ES256', key: p256Pair.privateKey };
    const noKey = failed(narrate(bad, subject(signToken(other))));
    assert.equal(noKey?.step, 'key');
    assert.match(noKey.found, /no configured key verifies ES256; they verify HS256, HS384, HS512/);

    const jwks = JSON.stringify({ keys: [publicJwk(p256Pair, { kid: 'a' })] });
    const keys = loadKeys({ jwtSecretBase64: false, jwks });
    const noKid = failed(
      narrate(bad, subject(signToken({ ...other, header: { kid: 'b' } }), { keys })),
    );
    assert.equal(noKid?.step, 'key');
    assert.match(noKid.found, /no key with this kid is configured for ES256; those there are: a/);
  });

  it('check no signature without keys, and say so', () => {
    const told = narrate(
      refused(tokenProblems.noChannels.raw),
      subject(signToken(), { keys: undefined }),
    );
    assert.equal(told.find(({ step }) => step === 'signature')?.outcome, 'not checked');
    assert.equal(foundAt('signature', told), 'not checked, no keys configured');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grantFrom } from '#gateway/auth/grant.js';
import { tokenProblems } from '#gateway/auth/problems.js';
import type { TokenProblem } from '#gateway/auth/problems.js';
import type { VerifierOptions } from '#gateway/auth/verify.js';
import { base64url, goodClaims, now, p256Pair, signToken, verifierWith } from './signing.ts';

type ProblemName = keyof typeof tokenProblems;
type Cause = () => Promise<TokenProblem | undefined>;

const token =
  (text: string, rules: Partial<VerifierOptions> = {}): Cause =>
  async () => {
    const verification = await verifierWith(rules)(text, now);
    return 'problem' in verification ? verification.problem : undefined;
  };

const claims = (more: object, rules: Partial<VerifierOptions> = {}): Cause =>
  token(signToken({ claims: { ...goodClaims, ...more } }), rules);

const grant =
  (granting: Readonly<Record<string, unknown>>): Cause =>
  () => {
    const result = grantFrom(granting, {
      pathChannel: undefined,
      openChannels: false,
      channelPatterns: true,
    });
    return Promise.resolve('problem' in result ? result.problem : undefined);
  };

const unsigned = `${base64url('{"alg":"none"}')}.${base64url(JSON.stringify(goodClaims))}.`;

/** What causes each row. A row without a cause does not compile. */
const causes: Readonly<Record<ProblemName, Cause>> = {
  notThreeParts: token('a.b'),
  notBase64url: token('a+.b.c'),
  malformedHeader: token(signToken({ header: '[]' })),
  malformedPayload: token(signToken({ claims: '[]' })),
  deepPayload: token(signToken({ claims: `{"a":${'['.repeat(64)}${']'.repeat(64)}}` })),
  criticalHeader: token(signToken({ header: { crit: ['exp'] } })),
  unsigned: token(unsigned),
  badSignature: token(signToken({ key: 'not the secret' })),
  keysUnavailable: token(signToken({ key: 'not the secret' }), {
    source: { keys: [], lookUp: () => Promise.resolve('unavailable') },
  }),
  malformedExp: claims({ exp: '1800000060' }),
  absurdExp: claims({ exp: (now + 60) * 1000 }),
  malformedNbf: claims({ nbf: true }),
  malformedIat: claims({ iat: {} }),
  malformedAud: claims({ aud: 7 }, { audiences: ['postern'] }),
  missingExp: claims({ exp: undefined }, { requireExp: true }),
  expired: claims({ exp: now }),
  notYetValid: claims({ nbf: now + 1 }),
  issuedInFuture: claims({ iat: now + 1 }),
  wrongIssuer: claims({ iss: 'somebody' }, { issuers: ['somebody else'] }),
  wrongAudience: claims({ aud: 'others' }, { audiences: ['postern'] }),
  wrongType: token(signToken({ header: { typ: 'JWT' } }), { types: ['at+jwt'] }),
  missingClaim: claims({}, { requireClaims: ['sub'] }),
  missingMode: grant({ channel: 'chat' }),
  noChannels: grant({ mode: 'r', channels: [] }),
};

/** What programs written for postgres-websockets may compare with (docs/protocol.md §1.2). */
const keptTexts: Readonly<Partial<Record<ProblemName, string>>> = {
  missingMode: 'Missing mode',
  expired: 'Token expired',
  badSignature: 'Error: JWSError JWSInvalidSignature',
  unsigned: 'Error: JWSError JWSNoSignatures',
  notYetValid: 'Error: JWTNotYetValid',
  issuedInFuture: 'Error: JWTIssuedAtFuture',
  noChannels: 'No allowed channels',
  wrongAudience: 'Error: JWTNotInAudience',
  wrongIssuer: 'Error: JWTNotInIssuer',
};

/** Rows of which only the beginning is kept. */
const keptBeginnings: Readonly<Record<string, readonly ProblemName[]>> = {
  'Error: JWSError ': [
    'notThreeParts',
    'notBase64url',
    'malformedHeader',
    'malformedPayload',
    'criticalHeader',
  ],
  'Error: JWTClaimsSetDecodeError ': ['malformedExp', 'absurdExp', 'malformedNbf', 'malformedIat'],
};

const rows: Readonly<Record<string, TokenProblem>> = tokenProblems;

describe('tokenProblems', () => {
  for (const [name, cause] of Object.entries(causes)) {
    it(`has the row ${name}, which something causes`, async () => {
      assert.equal(await cause(), rows[name]);
    });
  }

  it('has no row that nothing causes', () => {
    assert.deepEqual(Object.keys(causes).toSorted(), Object.keys(tokenProblems).toSorted());
  });

  it('answers with the texts of postgres-websockets', () => {
    for (const [name, text] of Object.entries(keptTexts)) assert.equal(rows[name]?.raw, text);
  });

  it('begins the texts that have a free tail as postgres-websockets does', () => {
    for (const [beginning, names] of Object.entries(keptBeginnings)) {
      for (const name of names) assert.ok(rows[name]?.raw.startsWith(beginning), name);
    }
  });

  it('says with one text one thing', () => {
    const texts = Object.values(rows).map(({ raw }) => raw);
    assert.equal(new Set(texts).size, texts.length);
  });

  it('tells the failures apart by which a client gets a new token, waits, or stops', () => {
    const others = Object.entries(rows).filter(([, { failure }]) => failure !== 'tokenInvalid');
    assert.deepEqual(Object.fromEntries(others.map(([name, { failure }]) => [name, failure])), {
      keysUnavailable: 'backendUnavailable',
      expired: 'tokenExpired',
      notYetValid: 'notYetValid',
      issuedInFuture: 'notYetValid',
      noChannels: 'forbidden',
    });
  });

  it('takes a token that is not there for one without a mode', async () => {
    assert.equal(await token('')(), tokenProblems.missingMode);
  });

  it('looks at the form before the signature, and at the signature before the claims', async () => {
    const wrongEverywhere = { claims: { exp: 0, nbf: now + 9 }, key: p256Pair.privateKey };
    const foreign = signToken({ ...wrongEverywhere, algorithm: 'ES256' });

    assert.equal(await token(`${foreign}=`)(), tokenProblems.notBase64url);
    assert.equal(await token(foreign)(), tokenProblems.badSignature);
    assert.equal(await token(signToken({ claims: { exp: 0 } }))(), tokenProblems.expired);
  });
});

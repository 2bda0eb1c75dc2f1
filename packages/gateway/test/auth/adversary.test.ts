import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { tokenProblems } from '#gateway/auth/problems.js';
import {
  base64url,
  goodClaims,
  now,
  octJwk,
  p256Pair,
  publicJwk,
  publicPem,
  rsaPair,
  secret,
  signToken,
  verifierFor,
  verifierForSet,
  verifierWith,
} from './signing.ts';

type ProblemName = keyof typeof tokenProblems;

const verify = verifierWith();
const good = signToken();
const [header = '', payload = '', signature = ''] = good.split('.');
const withHeader = (text: string, end = signature) => `${base64url(text)}.${payload}.${end}`;

/** What somebody without the key sends to a gateway that has a secret, and how it is refused. */
const forgeries: Readonly<Record<string, readonly [string, ProblemName]>> = {
  'alg none without a signature': [withHeader('{"alg":"none"}', ''), 'unsigned'],
  'alg none with a signature': [withHeader('{"alg":"none"}'), 'unsigned'],
  'alg None': [withHeader('{"alg":"None"}', ''), 'unsigned'],
  'alg NONE with a signature': [withHeader('{"alg":"NONE"}'), 'badSignature'],
  'alg nOnE with a signature': [withHeader('{"alg":"nOnE"}'), 'badSignature'],
  'alg none and a NUL': [withHeader('{"alg":"none\\u0000"}'), 'badSignature'],
  'alg none given last of two': [withHeader('{"alg":"HS256","alg":"none"}', ''), 'unsigned'],
  'a good token without its signature': [`${header}.${payload}.`, 'unsigned'],
  'a good token without its signature and dot': [`${header}.${payload}`, 'notThreeParts'],
  'no alg': [withHeader('{}'), 'malformedHeader'],
  'an alg that is a list': [withHeader('{"alg":["HS256"]}'), 'malformedHeader'],
  'an alg that is null': [withHeader('{"alg":null}'), 'malformedHeader'],
  'an inherited alg': [withHeader('{"__proto__":{"alg":"HS256"}}'), 'malformedHeader'],
  'an empty alg': [withHeader('{"alg":""}'), 'badSignature'],
  'alg hs256': [signToken({ header: { alg: 'hs256' } }), 'badSignature'],
  'alg HS256 with a space': [signToken({ header: { alg: 'HS256 ' } }), 'badSignature'],
  'alg __proto__': [withHeader('{"alg":"__proto__"}'), 'badSignature'],
  'alg constructor': [withHeader('{"alg":"constructor"}'), 'badSignature'],
  'alg HS1': [withHeader('{"alg":"HS1"}'), 'badSignature'],
  'an empty key': [signToken({ key: '' }), 'badSignature'],
  'a key of one NUL': [signToken({ key: '\0' }), 'badSignature'],
  'a key that is the kid': [signToken({ key: 'k', header: { kid: 'k' } }), 'badSignature'],
  'the signature of another header': [withHeader('{"alg":"HS512"}'), 'badSignature'],
  'a signature of zeros': [`${header}.${payload}.${'A'.repeat(43)}`, 'badSignature'],
  'a signature cut short': [`${header}.${payload}.${signature.slice(0, 40)}`, 'badSignature'],
  'a signature of one byte': [`${header}.${payload}.AA`, 'badSignature'],
  'other claims': [`${header}.${base64url('{"mode":"rw"}')}.${signature}`, 'badSignature'],
  'an embedded key': [signToken({ key: 'mine', header: { jwk: octJwk('mine') } }), 'badSignature'],
  'kid with a path': [signToken({ key: '', header: { kid: '/dev/null' } }), 'badSignature'],
  'kid with SQL': [signToken({ key: '', header: { kid: "' or 1=1 --" } }), 'badSignature'],
  'kid that is a list': [signToken({ header: { kid: ['a'] } }), 'malformedHeader'],
  'kid that is a number': [signToken({ header: { kid: 1 } }), 'malformedHeader'],
  'kid that is null': [signToken({ header: { kid: null } }), 'malformedHeader'],
  'typ that is a list': [signToken({ header: { typ: ['JWT'] } }), 'malformedHeader'],
};

/** What even the holder of the key may not spell. */
const misspellings: Readonly<Record<string, readonly [string, ProblemName]>> = {
  'crit with something unknown': [signToken({ header: { crit: ['x'], x: 1 } }), 'criticalHeader'],
  'crit with b64': [signToken({ header: { crit: ['b64'], b64: false } }), 'criticalHeader'],
  'an empty crit': [signToken({ header: { crit: [] } }), 'criticalHeader'],
  'a crit of null': [signToken({ header: { crit: null } }), 'criticalHeader'],
  'padding after the signature': [`${good}=`, 'notBase64url'],
  'padding in the header': [`${header}=.${payload}.${signature}`, 'notBase64url'],
  'a space before': [` ${good}`, 'notBase64url'],
  'a line end after': [`${good}\n`, 'notBase64url'],
  'a NUL after': [`${good}\0`, 'notBase64url'],
  'a NUL between': [`${header}.${payload}\0.${signature}`, 'notBase64url'],
  'a letter outside ASCII': [`${header}.${payload}.${signature}é`, 'notBase64url'],
  'a scheme before': [`Bearer ${good}`, 'notBase64url'],
  'a part too many': [`${good}.`, 'notThreeParts'],
  'five parts, as encrypted tokens have': [`${good}.a.b`, 'notThreeParts'],
  'the JSON serialization': [JSON.stringify({ payload, signature }), 'notThreeParts'],
  'dots alone': ['..', 'malformedHeader'],
  'a header that is not UTF-8': [
    `${base64url(Buffer.from([0xff]))}.${payload}.AA`,
    'malformedHeader',
  ],
  'a header with a byte order mark': [
    signToken({ header: '\uFEFF{"alg":"HS256"}' }),
    'malformedHeader',
  ],
  'a header that is text': [signToken({ header: '"HS256"' }), 'malformedHeader'],
  'a header that is null': [signToken({ header: 'null' }), 'malformedHeader'],
  'a header in a list': [signToken({ header: '[{"alg":"HS256"}]' }), 'malformedHeader'],
  'a payload that is not JSON': [signToken({ claims: 'mode=rw' }), 'malformedPayload'],
  'a payload that is empty': [signToken({ claims: '' }), 'malformedPayload'],
  'a payload that is null': [signToken({ claims: 'null' }), 'malformedPayload'],
  'a payload in a list': [signToken({ claims: '[{"mode":"rw"}]' }), 'malformedPayload'],
  'a payload in nested lists': [signToken({ claims: '['.repeat(9_999) }), 'malformedPayload'],
  'a claim that nests without end': [
    signToken({ claims: `{"mode":"rw","a":${'['.repeat(5_800)}${']'.repeat(5_800)}}` }),
    'deepPayload',
  ],
  'a payload that is a token': [signToken({ claims: good }), 'malformedPayload'],
  'a payload that is not UTF-8': [
    signToken({ claims: Buffer.from('{"mode":"\xff"}', 'latin1') }),
    'malformedPayload',
  ],
  'an exp of 1e400': [signToken({ claims: '{"exp":1e400}' }), 'malformedExp'],
  'an exp in milliseconds': [signToken({ claims: { exp: now * 1000 } }), 'absurdExp'],
  'an exp that is text': [signToken({ claims: { exp: `${now + 60}` } }), 'malformedExp'],
  'an exp in a list': [signToken({ claims: { exp: [now + 60] } }), 'malformedExp'],
  'an exp in nested lists': [signToken({ claims: { exp: [[now + 60]] } }), 'malformedExp'],
  'two exp, of which the last is over': [
    signToken({ claims: `{"exp":${now + 60},"exp":${now - 60}}` }),
    'expired',
  ],
};

describe('a forged token', () => {
  for (const [what, [token, problem]] of Object.entries(forgeries))
    it(`is refused: ${what}`, async () => {
      assert.deepEqual(await verify(token, now), { problem: tokenProblems[problem] });
    });

  it('is refused with the text of a public key as its HMAC secret', async () => {
    const pem = publicPem(rsaPair);
    const jwk = publicJwk(rsaPair, { kid: 'a' });
    const guesses = [pem, pem.trim(), `${pem}\n`, JSON.stringify(jwk), ...Object.values(jwk)];
    for (const guess of guesses)
      for (const algorithm of ['HS256', 'HS384', 'HS512']) {
        const token = signToken({ algorithm, key: String(guess), header: { kid: 'a' } });
        const refused = { problem: tokenProblems.badSignature };
        assert.deepEqual(await verifierFor(pem)(token, now), refused);
        assert.deepEqual(await verifierForSet(jwk)(token, now), refused);
        assert.deepEqual(
          await verifierForSet(jwk, octJwk(secret, { kid: 'a' }))(token, now),
          refused,
        );
      }
  });

  it('is refused with an ECDSA signature of zeros', async () => {
    const input = `${base64url('{"alg":"ES256"}')}.${payload}`;
    for (const length of [0, 1, 63, 64, 65, 128]) {
      const token = `${input}.${base64url(Buffer.alloc(length))}`;
      assert.ok('problem' in (await verifierFor(publicPem(p256Pair))(token, now)));
    }
  });

  it('causes no request to the address of a key that it names', async () => {
    let requests = 0;
    const count = () => requests++;
    subscribe('net.client.socket', count);
    try {
      const url = 'http://127.0.0.1:2/keys';
      const asks = { jku: url, x5u: url, jwk: octJwk('mine'), x5c: ['AA'], kid: url };
      const refused = { problem: tokenProblems.badSignature };
      assert.deepEqual(await verify(signToken({ key: 'mine', header: asks }), now), refused);
      const accepted = await verify(signToken({ header: { ...asks, kid: undefined } }), now);
      assert.deepEqual(accepted, { claims: goodClaims, expiresAt: goodClaims.exp });

      // The one request here shows that one would have been counted.
      await assert.rejects(fetch(url));
      assert.equal(requests, 1);
    } finally {
      unsubscribe('net.client.socket', count);
    }
  });
});

describe('a signed token', () => {
  for (const [what, [token, problem]] of Object.entries(misspellings))
    it(`is refused: ${what}`, async () => {
      const { problem: found } = { problem: undefined, ...(await verify(token, now)) };
      assert.equal(found, tokenProblems[problem]);
    });

  it('does not pass with another last character, though some stand for the same bytes', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const bytes = Buffer.from(signature, 'base64url');
    const spellings = [...alphabet].map((last) => signature.slice(0, -1) + last);
    const malleated = spellings.filter((spelling) => spelling !== signature);

    assert.ok(malleated.some((spelling) => bytes.equals(Buffer.from(spelling, 'base64url'))));
    for (const spelling of malleated)
      assert.ok('problem' in (await verify(`${header}.${payload}.${spelling}`, now)));
  });

  it('does not pass with any one character changed, left out or added', async () => {
    const change = fc.record({
      at: fc.nat({ max: good.length - 1 }),
      drop: fc.constantFrom(0, 1),
      add: fc.constantFrom('', 'A', 'Q', '_', '.', '=', '\0', 'é'),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ at, drop, add }) => {
        const changed = good.slice(0, at) + add + good.slice(at + drop);
        assert.equal('claims' in (await verify(changed, now)), changed === good);
      }),
      { numRuns: 500 },
    );
  });
});

describe('any text at all', () => {
  it('is answered with a problem, and never with an error', async () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json().map(base64url),
      fc.constantFrom(header, payload, base64url('{"alg":"HS256","kid":""}')),
    );
    const text = fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.'));
    await fc.assert(
      fc.asyncProperty(text, async (token) => {
        assert.ok('problem' in (await verify(token, now)));
      }),
      { numRuns: 500 },
    );
  });

  it('may be huge', async () => {
    const mebibyte = 2 ** 20;
    const huge: readonly (readonly [string, ProblemName])[] = [
      ['.'.repeat(mebibyte), 'notThreeParts'],
      ['A'.repeat(mebibyte), 'notThreeParts'],
      [`${header}.${payload}.${'A'.repeat(mebibyte)}`, 'badSignature'],
      [signToken({ key: 'mine', claims: { fill: 'x'.repeat(mebibyte) } }), 'badSignature'],
      [signToken({ header: { kid: 'x'.repeat(mebibyte) }, key: 'mine' }), 'badSignature'],
    ];
    for (const [token, problem] of huge)
      assert.deepEqual(await verify(token, now), { problem: tokenProblems[problem] });
  });
});

import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { openToken, sealToken } from '#gateway/auth/signed-token.js';
import { createSigningKeys } from '#gateway/auth/signing-keys.js';
import { encoded, forge, headerText, keyOf, newSecret, oldSecret, parts } from './forging.ts';

const keys = createSigningKeys([newSecret, oldSecret]);
const purposes = ['cookie', 'csrf', 'embed', 'refresh'] as const;
const claims = { sub: 'ada', exp: 1 };
const payload = JSON.stringify(claims);
const good = sealToken('csrf', claims, keys);
const [goodHeader = '', goodPayload = '', goodMac = ''] = good.split('.');
const key = keyOf('csrf');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** With a header of other text, truly signed with the right key. */
const withHeader = (header: string) => forge(header, payload, key);
/** With members of the header changed or added. */
const withMember = (member: object) =>
  withHeader(JSON.stringify({ alg: 'HS256', typ: 'postern-csrf+jwt', kid: 'new', ...member }));
/** With both parts as they stand, truly signed with the right key. */
const withParts = (header: string, encodedPayload: string) =>
  `${header}.${encodedPayload}.${createHmac('sha256', key).update(`${header}.${encodedPayload}`).digest('base64url')}`;
/** With a payload of other text, truly signed with the right key. */
const withPayload = (text: string) => forge(headerText('csrf'), text, key);
const withMac = (mac: string) => `${goodHeader}.${goodPayload}.${mac}`;

function rsaSigned(alg: string): string {
  const header = JSON.stringify({ alg, typ: 'postern-csrf+jwt', kid: 'new' });
  const signed = `${encoded(header)}.${goodPayload}`;
  return `${signed}.${encoded(sign('sha256', Buffer.from(signed), rsa.privateKey))}`;
}

/** Another text for the same bytes: the last character has bits that stand for nothing. */
function respelt(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1) ?? '') + 1];
}

const bytes = Buffer.from(goodMac, 'base64url');
const forgeries = {
  'alg none without a signature': `${encoded('{"alg":"none"}')}.${goodPayload}.`,
  'alg none, else as ours': withMember({ alg: 'none' }),
  'alg NoNe': withMember({ alg: 'NoNe' }),
  'alg HS512': withMember({ alg: 'HS512' }),
  'alg hs256': withMember({ alg: 'hs256' }),
  'alg as a list': withMember({ alg: ['HS256'] }),
  'alg missing': withHeader('{"typ":"postern-csrf+jwt","kid":"new"}'),
  'RS256, signed with a key of its own': rsaSigned('RS256'),
  'HS256 over an RSA signature': rsaSigned('HS256'),
  'HS256 with a public key as secret': forge(
    headerText('csrf'),
    payload,
    Buffer.from(rsa.publicKey.export({ format: 'pem', type: 'spki' })),
  ),
  'kid unknown': withMember({ kid: 'newer' }),
  'kid empty': withMember({ kid: '' }),
  'kid missing': withHeader('{"alg":"HS256","typ":"postern-csrf+jwt"}'),
  'kid a path': forge(headerText('csrf', '../../../../dev/null'), payload, Buffer.alloc(0)),
  'kid SQL': withMember({ kid: "' OR 1=1 --" }),
  'kid __proto__': forge(headerText('csrf', '__proto__'), payload, Buffer.alloc(0)),
  'kid constructor': forge(headerText('csrf', 'constructor'), payload, Buffer.alloc(0)),
  'kid a list': withMember({ kid: ['new'] }),
  'kid in other case': withMember({ kid: 'New' }),
  'kid of another secret': forge(headerText('csrf', 'old'), payload, key),
  'kid twice': withHeader('{"alg":"HS256","typ":"postern-csrf+jwt","kid":"x","kid":"new"}'),
  jku: withMember({ jku: 'https://evil.test/keys.json' }),
  x5u: withMember({ x5u: 'https://evil.test/chain.pem' }),
  jwk: withMember({ jwk: { kty: 'oct', k: '' } }),
  crit: withMember({ crit: ['exp'] }),
  'crit empty': withMember({ crit: [] }),
  'b64 false': withMember({ b64: false, crit: ['b64'] }),
  zip: withMember({ zip: 'DEF' }),
  cty: withMember({ cty: 'JWT' }),
  'a member nobody knows': withMember({ x: 1 }),
  'members of the header in other order': withHeader(
    '{"typ":"postern-csrf+jwt","alg":"HS256","kid":"new"}',
  ),
  'space in the header': withHeader('{"alg": "HS256","typ":"postern-csrf+jwt","kid":"new"}'),
  'a line end after the header': withHeader(`${headerText('csrf')}\n`),
  'a byte order mark before the header': withHeader(`\ufeff${headerText('csrf')}`),
  'an escape in the header': withHeader(headerText('csrf').replace('new', String.raw`n\u0065w`)),
  'a header that is no object': withHeader('"HS256"'),
  'a header that is no JSON': withHeader('{'),
  'a header of nothing': withHeader(''),
  'a header whose base64url is in other case, truly signed': withParts(
    goodHeader.toLowerCase(),
    goodPayload,
  ),
  'typ JWT': withMember({ typ: 'JWT' }),
  'typ as a media type': withMember({ typ: 'application/postern-csrf+jwt' }),
  'typ in capitals': withMember({ typ: 'POSTERN-CSRF+JWT' }),
  'the secret itself as key': forge(headerText('csrf'), payload, newSecret.secret),
  'an empty key': forge(headerText('csrf'), payload, Buffer.alloc(0)),
  'the key for cid': forge(headerText('csrf'), payload, keyOf('cid')),
  'no signature': withMac(''),
  'half a signature': withMac(encoded(bytes.subarray(0, 16))),
  'a signature less its last byte': withMac(encoded(bytes.subarray(0, 31))),
  'a signature and a byte more': withMac(encoded(Buffer.concat([bytes, Buffer.alloc(1)]))),
  'a signature twice': withMac(encoded(Buffer.concat([bytes, bytes]))),
  'a signature of HS512': withMac(
    createHmac('sha512', key).update(`${goodHeader}.${goodPayload}`).digest('base64url'),
  ),
  'a signature as hex': withMac(bytes.toString('hex')),
  'a signature in base64 with padding': withMac(bytes.toString('base64')),
  'a signature with padding': `${good}=`,
  'a last character with other unused bits': respelt(good),
  'space before': ` ${good}`,
  'space after': `${good} `,
  'a line end after': `${good}\n`,
  'NUL after': `${good}\0`,
  'two parts': `${goodHeader}.${goodPayload}`,
  'four parts': `${good}.`,
  'four parts, the signature again': `${good}.${goodMac}`,
  'five parts': `${good}.a.b`,
  'an empty text': '',
  'dots alone': '..',
  'many dots': '.'.repeat(8000),
  'parts in other order': `${goodPayload}.${goodHeader}.${goodMac}`,
  'JSON serialization': JSON.stringify({
    protected: goodHeader,
    payload: goodPayload,
    signature: goodMac,
  }),
  'the prefix Bearer': `Bearer ${good}`,
  'percent-encoded dots': good.replaceAll('.', '%2E'),
  'a member twice': withPayload('{"sub":"ada","exp":1,"sub":"eve"}'),
  'a member twice, alike': withPayload('{"sub":"ada","exp":1,"exp":1}'),
  'a member twice, once escaped': withPayload(String.raw`{"sub":"ada","\u0073ub":"eve"}`),
  'space in the payload': withPayload('{"sub": "ada","exp":1}'),
  'a line end after the payload': withPayload(`${payload}\n`),
  'a byte order mark before the payload': withPayload(`\ufeff${payload}`),
  'a number out of range': withPayload('{"sub":"ada","exp":1e400}'),
  'a number spelt otherwise': withPayload('{"sub":"ada","exp":1.0}'),
  'a number longer than a double': withPayload('{"sub":"ada","exp":10000000000000000001}'),
  NaN: withPayload('{"sub":"ada","exp":NaN}'),
  'a payload that is a list': withPayload('[]'),
  'a payload that is a text': withPayload('"ada"'),
  'a payload that is null': withPayload('null'),
  'a payload of nothing': withPayload(''),
  'bytes that are no UTF-8': withParts(goodHeader, encoded(Buffer.from([0x7b, 0xff, 0x7d]))),
  'a payload with padding, truly signed': withParts(goodHeader, `${goodPayload}=`),
  'a payload in the alphabet of base64, truly signed': withParts(
    goodHeader,
    Buffer.from('{"s":"??>>ÿÿ"}').toString('base64'),
  ),
  'more than 8 KiB': sealToken('csrf', { sub: 'a'.repeat(6100) }, keys),
};

describe('A token of ours', () => {
  it('is written as the header says it is, and signed by HMAC-SHA256', () => {
    assert.equal(parts(good).header, headerText('csrf'));
    assert.equal(parts(good).payload, payload);
    assert.equal(good, forge(headerText('csrf'), payload, key));
  });

  it('is opened with its claims and its kid', () => {
    assert.deepEqual(openToken(good, 'csrf', keys), { claims, kid: 'new' });
  });

  it('is opened under every secret that is still listed, and under none that is not', () => {
    const before = createSigningKeys([oldSecret]);
    for (const purpose of purposes) {
      const token = sealToken(purpose, claims, before);
      assert.deepEqual(openToken(token, purpose, keys), { claims, kid: 'old' });
      assert.equal(openToken(token, purpose, createSigningKeys([newSecret])), undefined);
    }
  });

  it('is opened when it is 8 KiB long', () => {
    const token = sealToken('csrf', { sub: 'a'.repeat(6010) }, keys);
    assert.ok(token.length > 8100 && token.length <= 8192, String(token.length));
    assert.equal(openToken(token, 'csrf', keys)?.kid, 'new');
  });

  it('gives back every claim that JSON can say', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(...purposes), check),
    );

    function check(said: Record<string, unknown>, purpose: (typeof purposes)[number]): void {
      const token = sealToken(purpose, said, keys);
      const text = JSON.stringify(said);
      const expected = token.length > 8192 ? undefined : text;
      const opened = openToken(token, purpose, keys);
      assert.equal(opened === undefined ? undefined : JSON.stringify(opened.claims), expected);
    }
  });

  it('is nothing any more when any one bit of it is another', () => {
    const bitsOf = good.length * 8;
    for (let bit = 0; bit < bitsOf; bit++) {
      const changed = Buffer.from(good, 'latin1');
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(openToken(changed.toString('latin1'), 'csrf', keys), undefined, `bit ${bit}`);
    }
  });
});

describe('A forged token is not opened:', () => {
  for (const [name, token] of Object.entries(forgeries))
    it(name, () => {
      assert.equal(openToken(token, 'csrf', keys), undefined);
    });

  it('at least forty of them are tried', () => {
    assert.ok(Object.keys(forgeries).length >= 40);
  });

  for (const slot of purposes)
    for (const other of [...purposes, 'cid'].filter((purpose) => purpose !== slot))
      it(`one for ${other}, in the place of one for ${slot}`, () => {
        for (const typ of [slot, other])
          for (const from of [slot, other].filter((name) => name !== slot || typ !== slot))
            assert.equal(
              openToken(forge(headerText(typ), payload, keyOf(from)), slot, keys),
              undefined,
              `typ ${typ}, key of ${from}`,
            );
      });
});

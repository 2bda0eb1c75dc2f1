import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { after, describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { listeningServer } from '../support/program-server.ts';
import { startGateway } from '../support/gateway.ts';
import { APP } from '../support/preauth.ts';
import { forgeToken, inSeconds, keyPair, signToken } from '../support/tokens.ts';
import { knock, told } from '../support/way-in.ts';
import { WsClient } from '../support/ws-client.ts';

const RSA = keyPair('RS256', 'rsa');
const OTHER = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const CLAIMS = { sub: 'ada', mode: 'rw', channels: ['chat'], exp: inSeconds(600) } as const;

let asked = 0;
const bait = await listeningServer({ after }, (_, response) => {
  asked += 1;
  response.end('{"keys":[]}');
});
const baitUrl = `http://127.0.0.1:${bait.port}/keys`;

const [bySecret, byKey, byType] = await Promise.all([
  startGateway(
    { after },
    {
      environment: {
        POSTERN_ALLOWED_ORIGINS: APP,
        POSTERN_JWT_AUDIENCE: 'chat',
        POSTERN_JWT_ISSUER: 'site',
      },
    },
  ),
  startGateway(
    { after },
    {
      environment: {
        POSTERN_ALLOWED_ORIGINS: APP,
        POSTERN_JWT_SECRET: undefined,
        POSTERN_JWKS: JSON.stringify({ keys: [RSA.jwk] }),
      },
    },
  ),
  startGateway(
    { after },
    { environment: { POSTERN_ALLOWED_ORIGINS: APP, POSTERN_JWT_TYPE: 'at+jwt' } },
  ),
]);
failOnLeaks();

const good = { ...CLAIMS, aud: 'chat', iss: 'site' };
const forged = (header: object, payload: object | string = good, signature?: Buffer): string =>
  forgeToken({
    header: { ...header },
    payload: typeof payload === 'string' ? payload : { ...payload },
    ...(signature === undefined ? {} : { signature }),
  });
const macOf = (key: string, header: object): string => {
  const text = forgeToken({ header: { ...header }, payload: CLAIMS });
  const signed = text.slice(0, text.lastIndexOf('.'));
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
};
const [head = '', payload = '', mac = ''] = (await signToken(good)).split('.');
const none = Buffer.alloc(0);

/** Of a gateway whose key is a shared secret. */
const againstSecret: Readonly<Record<string, string>> = {
  'alg none': forged({ alg: 'none' }, good, none),
  'alg None': forged({ alg: 'None' }, good, none),
  'alg none with a right signature': forged({ alg: 'none' }),
  'no alg': forged({ typ: 'JWT' }),
  'alg of a number': forged({ alg: 256 }),
  'an empty signature': forged({ alg: 'HS256' }, good, none),
  'half a signature': `${head}.${payload}.${mac.slice(0, 20)}`,
  'another claim under the signature': `${head}.${Buffer.from(JSON.stringify({ ...good, sub: 'root' })).toString('base64url')}.${mac}`,
  'the secret’s name for another algorithm': forged({ alg: 'HS512' }),
  'an RSA algorithm': await signToken(good, { key: OTHER, alg: 'RS256' }),
  'a key in the header': await signToken(good, {
    key: OTHER,
    alg: 'RS256',
    header: { jwk: RSA.jwk },
  }),
  'a key at a URL': await signToken(good, { key: OTHER, alg: 'RS256', header: { jku: baitUrl } }),
  'a certificate at a URL': await signToken(good, {
    key: OTHER,
    alg: 'RS256',
    header: { x5u: baitUrl },
  }),
  'an empty key': await signToken(good, { key: createHmac('sha256', '').digest() }),
  'a file as its kid': macOf('', { alg: 'HS256', kid: '/dev/null' }),
  'SQL as its kid': macOf('x', { alg: 'HS256', kid: "' UNION SELECT 'x" }),
  'something critical': forged({ alg: 'HS256', crit: ['x'], x: 1 }),
  'nothing critical': forged({ alg: 'HS256', crit: [] }),
  'a payload that is not encoded': forged({ alg: 'HS256', b64: false, crit: ['b64'] }),
  'two dots more': `${head}.${payload}.${mac}..`,
  'a dot in front': `.${head}.${payload}.${mac}`,
  'four parts': `${head}.${payload}.${mac}.${mac}`,
  'two parts': `${head}.${payload}`,
  padding: `${head}=.${payload}.${mac}`,
  'the other alphabet': `${head}.${payload}.${mac.replaceAll('-', '+').replaceAll('_', '/')}+`,
  'a last character that decodes alike': `${head}.${payload}.${mac.slice(0, -1)}${String.fromCharCode(mac.charCodeAt(42) + 1)}`,
  'no object': forged({ alg: 'HS256' }, '[]'),
  'a text': forged({ alg: 'HS256' }, '"ada"'),
  'exp of milliseconds': forged({ alg: 'HS256' }, { ...good, exp: Date.now() }),
  'exp of 1e400': forged(
    { alg: 'HS256' },
    JSON.stringify(good).replace(/"exp":\d+/, '"exp":1e400'),
  ),
  'exp as a text': forged({ alg: 'HS256' }, { ...good, exp: '9999999999' }),
  'exp of null': forged({ alg: 'HS256' }, JSON.stringify({ ...good, exp: null })),
  'no exp': forged({ alg: 'HS256' }, { ...good, exp: undefined }),
  'another audience': forged({ alg: 'HS256' }, { ...good, aud: 'shop' }),
  'no audience': forged({ alg: 'HS256' }, CLAIMS),
  'another issuer': forged({ alg: 'HS256' }, { ...good, iss: 'evil' }),
};

/** Of a gateway whose key is public. */
const againstKey: Readonly<Record<string, string>> = {
  'the public key, as PEM, for a secret': macOf(RSA.pem, { alg: 'HS256' }),
  'the public key, as PEM and named, for a secret': macOf(RSA.pem, { alg: 'HS256', kid: 'rsa' }),
  'the modulus for a secret': macOf(String(RSA.jwk['n']), { alg: 'HS256', kid: 'rsa' }),
  'another key of the same name': await signToken(CLAIMS, {
    key: OTHER,
    alg: 'RS256',
    header: { kid: 'rsa' },
  }),
  'another padding': await signToken(CLAIMS, {
    key: RSA.privateKey,
    alg: 'PS256',
    header: { kid: 'rsa' },
  }),
  'the right key by another name': await signToken(CLAIMS, {
    key: RSA.privateKey,
    alg: 'RS256',
    header: { kid: 'none' },
  }),
  'an address for its kid': await signToken(CLAIMS, {
    key: OTHER,
    alg: 'RS256',
    header: { kid: baitUrl },
  }),
};

/** Of a gateway that takes tokens of one type. */
const againstType: Readonly<Record<string, string>> = {
  'another type': forged({ alg: 'HS256', typ: 'JWT' }),
  'the type of a CSRF token': forged({ alg: 'HS256', typ: 'postern-csrf+jwt' }),
  'a type of no text': forged({ alg: 'HS256', typ: ['at+jwt'] }),
  'a longer type': forged({ alg: 'HS256', typ: 'at+jwt;x' }),
  'no type': forged({ alg: 'HS256' }),
};

/** Genuine at another time: what answers in the handshake, and by which code in a first message. */
const untimely: Readonly<Record<string, readonly [claims: object, answer: string, code: number]>> =
  {
    'nbf beyond the leeway': [{ nbf: inSeconds(30) }, 'JWT not active: token_not_active', 4001],
    'iat beyond the leeway': [{ iat: inSeconds(30) }, 'JWT not active: token_not_active', 4001],
    'exp a second ago': [{ exp: inSeconds(-1) }, 'JWT expired: token_expired', 3001],
    'exp now': [{ exp: inSeconds(0) }, 'JWT expired: token_expired', 3001],
    'exp of 1970': [{ exp: 1 }, 'JWT expired: token_expired', 3001],
  };

/** The answer to an `auth`, in the first message. */
async function byMessage(port: number, token: string): Promise<number> {
  const client = await WsClient.connect(`ws://127.0.0.1:${port}/ws`, { protocols: ['postern.v1'] });
  client.send(JSON.stringify({ type: 'auth', id: 1, token }));
  return (await client.closed()).code;
}

/** Whether a token can be one of the names of a list (RFC 9110 §5.6.2). */
const isToken = (text: string): boolean => /^[\w!#$%&'*+\-.^`|~]+$/.test(text);

describe('A forged token', () => {
  const all = [
    ...Object.entries(againstSecret).map((one) => [bySecret.port, ...one] as const),
    ...Object.entries(againstKey).map((one) => [byKey.port, ...one] as const),
    ...Object.entries(againstType).map((one) => [byType.port, ...one] as const),
  ];

  it('comes in forty forms, and the real ones are let in', async () => {
    assert.ok(all.length >= 40, String(all.length));
    assert.equal((await knock(bySecret.port, { bearer: `${head}.${payload}.${mac}` })).status, 101);
    const bearer = await signToken(CLAIMS, {
      key: RSA.privateKey,
      alg: 'RS256',
      header: { kid: 'rsa' },
    });
    assert.equal((await knock(byKey.port, { bearer })).status, 101);
    const typed = forged({ alg: 'HS256', typ: 'at+jwt' });
    assert.equal((await knock(byType.port, { bearer: typed })).status, 101);
  });

  it('opens nothing in Authorization', async () => {
    for (const [port, name, bearer] of all)
      assert.equal(told(await knock(port, { bearer })), '401 Token invalid: token_invalid', name);
  });

  it('opens nothing among the subprotocols', async () => {
    for (const [port, name, token] of all.filter(([, , text]) => isToken(text)))
      assert.equal(
        told(await knock(port, { offers: [`postern.bearer.${token}`] })),
        '401 Token invalid: token_invalid',
        name,
      );
  });

  it('opens nothing in a first message', async () => {
    for (const [port, name, token] of all) assert.equal(await byMessage(port, token), 4502, name);
  });

  it('opens nothing that is genuine at another time', async () => {
    for (const [name, [claims, answer, code]] of Object.entries(untimely)) {
      const bearer = forged({ alg: 'HS256' }, { ...good, ...claims });
      for (const brought of [{ bearer }, { offers: [`postern.bearer.${bearer}`] }])
        assert.equal(told(await knock(bySecret.port, brought)), `401 ${answer}`, name);
      assert.equal(await byMessage(bySecret.port, bearer), code, name);
    }
  });

  it('has made the gateway ask nobody for a key', () => {
    assert.equal(asked, 0);
  });
});

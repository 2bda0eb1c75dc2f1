import assert from 'node:assert/strict';
import { it } from 'node:test';

import { failOnLeaks } from '../../support/leaks.ts';
import { forgeToken, inSeconds, signToken } from '../../support/tokens.ts';
import type { Part } from '../../support/tokens.ts';
import { describeOn } from '../suites.ts';
import { pathOf, startTargets } from '../targets.ts';

const GOOD = { mode: 'rw', channel: 'chat' } as const;
const ANOTHER_SECRET = 'another-secret-of-thirty-two-bytes';
const ELEVEN_YEARS = 11 * 365 * 86_400;

const NO_MODE = 'Missing mode';
const EXPIRED = 'Token expired';
const NO_CHANNELS = 'No allowed channels';
const INVALID = 'Error: JWSError JWSInvalidSignature';
const UNSIGNED = 'Error: JWSError JWSNoSignatures';
const MALFORMED = /^Error: JWSError \w/;
const BAD_CLAIMS = /^Error: JWTClaimsSetDecodeError \w/;

/** The path of a good token but for some claims. */
const but = (claims: object, pathChannel?: string) => pathOf({ ...GOOD, ...claims }, pathChannel);

/** The path of a token whose text is changed after it was signed. */
const spoilt = async (spoil: (token: string) => string) => `/${spoil(await signToken(GOOD))}`;

/** The path of a token that no library signs. */
const forged = (payload: Part, header: Part = { alg: 'HS256' }, signature?: Buffer) =>
  `/${forgeToken({ payload, header, ...(signature === undefined ? {} : { signature }) })}`;

type Path = () => string | Promise<string>;

/** What a credential is refused for, and the body of the answer: the whole, or how it starts. */
const refusals: Readonly<Record<string, readonly [Path, string | RegExp]>> = {
  'no token': [() => '/', NO_MODE],
  'a channel and no token': [() => '/chat/', NO_MODE],
  'no mode': [() => pathOf({ channel: 'chat' }), NO_MODE],
  'no mode, and a channel in the path': [() => pathOf({ channel: 'chat' }, 'chat'), NO_MODE],
  'a mode that is a number': [() => but({ mode: 7 }), NO_MODE],
  'a mode that is a list': [() => but({ mode: ['r', 'w'] }), NO_MODE],
  'the mode x': [() => but({ mode: 'x' }), NO_MODE],
  'the mode RW': [() => but({ mode: 'RW' }), NO_MODE],
  'the mode wr': [() => but({ mode: 'wr' }), NO_MODE],
  'the empty mode': [() => but({ mode: '' }), NO_MODE],

  'an exp that is long past': [() => but({ exp: 1 }), EXPIRED],
  'an exp that is now': [() => but({ exp: inSeconds(0) }), EXPIRED],
  'an nbf in a minute': [() => but({ nbf: inSeconds(60) }), 'Error: JWTNotYetValid'],
  'an iat in a minute': [() => but({ iat: inSeconds(60) }), 'Error: JWTIssuedAtFuture'],
  'an exp that is text': [() => but({ exp: '9999999999' }), BAD_CLAIMS],
  'an nbf that is text': [() => but({ nbf: '1' }), BAD_CLAIMS],
  'an iat that is null': [() => but({ iat: null }), BAD_CLAIMS],
  'an exp of 1e400': [() => forged('{"mode":"rw","channel":"chat","exp":1e400}'), BAD_CLAIMS],
  'an exp in milliseconds': [() => but({ exp: inSeconds(60) * 1000 }), BAD_CLAIMS],
  'an exp in eleven years': [() => but({ exp: inSeconds(ELEVEN_YEARS) }), BAD_CLAIMS],

  'another secret': [async () => `/${await signToken(GOOD, { key: ANOTHER_SECRET })}`, INVALID],
  'claims of another token': [
    () =>
      spoilt((token) => token.replace(/\..+\./, `.${btoa('{"mode":"r"}')}.`.replaceAll('=', ''))),
    INVALID,
  ],
  'an algorithm without a key': [() => forged(GOOD, { alg: 'RS256' }), INVALID],
  'an unknown algorithm': [() => forged(GOOD, { alg: 'HS1' }), INVALID],
  'alg none': [() => forged(GOOD, { alg: 'none' }, Buffer.alloc(0)), UNSIGNED],
  'alg none beside a signature': [() => forged(GOOD, { alg: 'none' }), UNSIGNED],
  'a signature cut off': [() => spoilt((token) => token.replace(/[^.]+$/, '')), UNSIGNED],

  'one part': [() => '/chat/token', MALFORMED],
  'two parts': [() => spoilt((token) => token.replace(/\.[^.]+$/, '')), MALFORMED],
  'four parts': [() => spoilt((token) => `${token}.e30`), MALFORMED],
  'base64url with padding': [() => spoilt((token) => `${token}=`), MALFORMED],
  'a token in percent-encoding': [() => spoilt((token) => token.replace('.', '%2E')), MALFORMED],
  'a header that is no JSON': [() => forged(GOOD, 'alg'), MALFORMED],
  'a header with crit': [() => forged(GOOD, { alg: 'HS256', crit: ['x'], x: 1 }), MALFORMED],
  'claims that are no JSON': [() => forged('mode'), MALFORMED],
  'claims that are a list': [() => forged('[]'), MALFORMED],

  'a channel that is not granted': [() => but({}, 'admin'), NO_CHANNELS],
  'a channel in capitals': [() => but({}, 'Chat'), NO_CHANNELS],
  'the empty channel': [() => but({}, ''), NO_CHANNELS],
  'no channel in the list': [() => pathOf({ mode: 'rw', channels: [] }, 'chat'), NO_CHANNELS],
  'no channel at all': [() => pathOf({ mode: 'rw' }), NO_CHANNELS],
};

const scope = failOnLeaks();

for (const target of await startTargets()) {
  describeOn(target, 'a credential is refused', () => {
    for (const [what, [path, body]] of Object.entries(refusals)) {
      it(`for ${what}`, async () => {
        const answer = await target.handshake({
          target: await path(),
          headers: {
            'Sec-WebSocket-Protocol': 'chat, superchat',
            'Sec-WebSocket-Extensions': 'permessage-deflate',
          },
        });
        assert.equal(answer.status, 400);
        if (typeof body === 'string') assert.equal(answer.body, body);
        else assert.match(answer.body, body);

        const { headers } = answer;
        assert.match(headers.get('content-type') ?? '', /^text\/plain(; charset=utf-8)?$/);
        assert.equal(headers.get('content-length'), String(Buffer.byteLength(answer.body)));
        assert.equal(headers.get('connection'), target.isProxied ? 'keep-alive' : 'close');
        assert.equal(headers.get('sec-websocket-protocol'), undefined);
        assert.equal(headers.get('sec-websocket-extensions'), undefined);
      });
    }

    it('without an effect on anybody else', async () => {
      const client = await target.connect(scope, GOOD);
      assert.equal((await target.handshake({ target: '/chat/token' })).status, 400);
      client.send('still here');
      assert.match(await client.message(), /still here/);
    });
  });
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isBound } from '#gateway/auth/binding.js';
import { createSigningKeys } from '#gateway/auth/signing-keys.js';
import {
  mintCookie,
  mintCsrf,
  mintEmbed,
  mintRefresh,
  openCookie,
  openCsrf,
  openEmbed,
  openRefresh,
} from '#gateway/auth/tickets.js';
import { newSecret, oldSecret } from './forging.ts';

const keys = createSigningKeys([newSecret, oldSecret]);
const now = 1_700_000_000;
const mint = { keys, nowSeconds: now };
const opener = { ...mint, clockLeewaySeconds: 5 };

describe('Whatever is minted', () => {
  const login = fc.record({
    iss: fc.string({ unit: 'binary' }),
    sub: fc.string({ unit: 'binary', minLength: 1 }),
    sid: fc.string({ unit: 'binary' }),
    scopes: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true }),
    ajti: fc.option(fc.string(), { nil: undefined }),
    authIssuedAt: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
    authExpiresAt: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  });
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  it('is opened as what it was, and binds', () => {
    fc.assert(
      fc.property(login, fc.webUrl(), fc.integer({ min: 0, max: 40 }), (who, ori, later) => {
        const then = { ...opener, nowSeconds: now + later };
        const cookie = openCookie(mintCookie(who, mint).text, then);
        const embed = openEmbed(mintEmbed(who, ori, mint).text, then);
        const refresh = openRefresh(mintRefresh(who, ori, mint).text, {
          ...then,
          nowSeconds: now + Math.min(later, 29),
        });
        const csrf = openCsrf(
          mintCsrf({ identity: who, origin: ori, wanted: ['news'] }, mint).text,
          then,
        );
        // A text of more than 8 KiB is not looked at.
        fc.pre(typeof cookie === 'object' && typeof embed === 'object');
        fc.pre(typeof refresh === 'object');
        assert.ok(typeof csrf === 'object');

        const life = { issuedAt: now, kid: 'new' };
        assert.deepEqual(plain(cookie), plain({ ...who, ...life, expiresAt: now + 55 }));
        const { jti, origin: of, ...rest } = embed;
        assert.deepEqual(plain(rest), plain({ ...who, ...life, expiresAt: now + 45 }));
        assert.equal(of, ori);
        assert.equal(jti.length, 22);
        assert.equal(isBound(csrf, cookie, keys), true);
        const { iss, sub, sid, ...held } = who;
        const { cid, session, ...left } = refresh;
        assert.deepEqual(plain(left), plain({ ...held, ...life, expiresAt: now + 30 }));
        assert.equal(session, ori);
        assert.equal(isBound({ cid, kid: 'new' }, { iss, sub, sid }, keys), true);
      }),
    );
  });
});

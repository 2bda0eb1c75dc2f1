import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cidOf, isBound } from '#gateway/auth/binding.js';
import { createSigningKeys } from '#gateway/auth/signing-keys.js';
import {
  mintCookie,
  mintCsrf,
  mintEmbed,
  openCookie,
  openCsrf,
  openEmbed,
} from '#gateway/auth/tickets.js';
import { forge, headerText, keyOf, newSecret, oldSecret, parts } from './forging.ts';

const keys = createSigningKeys([newSecret, oldSecret]);
const now = 1_700_000_000;
const mint = { keys, nowSeconds: now };
const opener = { ...mint, clockLeewaySeconds: 5 };
const origin = 'https://app.test';

const ada = {
  iss: 'https://id.test',
  sub: 'ada',
  sid: 's1',
  scopes: { mode: 'r', channels: ['news'] },
  ajti: 'site-1',
  authIssuedAt: now - 60,
  authExpiresAt: now + 3600.5,
};
const page = { identity: ada, origin, wanted: ['news'] };

const kinds = {
  cookie: { text: () => mintCookie(ada, mint).text, open: openCookie, seconds: 55 },
  csrf: { text: () => mintCsrf(page, mint).text, open: openCsrf, seconds: 45 },
  embed: { text: () => mintEmbed(ada, origin, mint).text, open: openEmbed, seconds: 45 },
} as const;
const names = ['cookie', 'csrf', 'embed'] as const;

/** The claims of a token, as it was minted. */
function claimsOf(text: string): Record<string, unknown> {
  return { ...JSON.parse(parts(text).payload) };
}

/** A true token of a kind, but for the claims that are given; undefined leaves one out. */
function changed(kind: keyof typeof kinds, claims: object): string {
  const whole = JSON.stringify({ ...claimsOf(kinds[kind].text()), ...claims });
  return forge(headerText(kind), whole, keyOf(kind));
}

describe('The auth cookie', () => {
  it('holds the login, its cid and its scopes for 55 seconds', () => {
    const { text, exp } = mintCookie(ada, { keys, nowSeconds: now + 0.9 });
    const cid = cidOf(ada, 'new', keys);
    assert.equal(exp, now + 55);
    assert.deepEqual(claimsOf(text), {
      iss: ada.iss,
      sub: 'ada',
      sid: 's1',
      scp: ada.scopes,
      ajti: 'site-1',
      aiat: now - 60,
      aexp: now + 3600.5,
      cid,
      aud: 'postern/cookie',
      iat: now,
      exp,
    });
    const life = { issuedAt: now, expiresAt: exp, kid: 'new' };
    assert.deepEqual(openCookie(text, opener), { ...ada, ...life });
  });

  it('may be of a login with neither issuer, session nor token', () => {
    const login = { ...ada, iss: '', sid: '', ajti: undefined };
    const opened = openCookie(mintCookie(login, mint).text, opener);
    assert.deepEqual(opened, { ...login, issuedAt: now, expiresAt: now + 55, kid: 'new' });
  });

  it('does not count when its cid is of somebody else', () => {
    const cid = cidOf({ ...ada, sub: 'eve' }, 'new', keys);
    assert.equal(openCookie(changed('cookie', { cid }), opener), 'invalid');
  });
});

describe('The CSRF token', () => {
  it('holds the cid, the origin, the narrowing and 128 random bits for 45 seconds', () => {
    const { text, exp } = mintCsrf(page, mint);
    const { jti, ...rest } = claimsOf(text);
    const cid = cidOf(ada, 'new', keys);
    assert.match(String(jti), /^[\w-]{22}$/);
    assert.deepEqual(rest, {
      iss: ada.iss,
      sub: cid,
      ori: origin,
      scp: ['news'],
      aud: 'postern/ws',
      iat: now,
      exp: now + 45,
    });
    const life = { issuedAt: now, expiresAt: exp, kid: 'new' };
    const wanted = ['news'];
    assert.deepEqual(openCsrf(text, opener), { cid, jti, origin, wanted, ...life });
  });

  it('names no user', () => {
    const { text } = mintCsrf({ ...page, identity: { ...ada, sub: 'very-private' } }, mint);
    assert.ok(!parts(text).payload.includes('very-private'));
  });

  it('never has the same jti twice', () => {
    const all = Array.from({ length: 1000 }, () => claimsOf(mintCsrf(page, mint).text)['jti']);
    assert.equal(new Set(all).size, 1000);
  });

  it('tells no narrowing from one to nothing', () => {
    for (const wanted of [undefined, []]) {
      const opened = openCsrf(mintCsrf({ ...page, wanted }, mint).text, opener);
      assert.ok(typeof opened === 'object');
      assert.deepEqual(opened.wanted, wanted);
    }
  });
});

describe('The embed token', () => {
  it('holds the login, the origin and 128 random bits for 45 seconds', () => {
    const { text, exp } = mintEmbed(ada, origin, mint);
    const { jti, ...rest } = claimsOf(text);
    assert.match(String(jti), /^[\w-]{22}$/);
    assert.deepEqual(rest, {
      iss: ada.iss,
      sub: 'ada',
      sid: 's1',
      scp: ada.scopes,
      ajti: 'site-1',
      aiat: now - 60,
      aexp: now + 3600.5,
      ori: origin,
      aud: 'postern/embed',
      iat: now,
      exp: now + 45,
    });
    const life = { issuedAt: now, expiresAt: exp, kid: 'new' };
    assert.deepEqual(openEmbed(text, opener), { ...ada, jti, origin, ...life });
  });
});

describe('Every ticket', () => {
  for (const name of names) {
    const { text, open, seconds } = kinds[name];
    const at = (nowSeconds: number) => open(text(), { ...opener, nowSeconds });

    it(`counts up to its last moment, and no longer (${name})`, () => {
      assert.equal(typeof at(now + seconds - 0.001), 'object');
      assert.equal(at(now + seconds), 'expired');
      assert.equal(at(now + 1e9), 'expired');
    });

    it(`may be ahead of the clock by the leeway, and no more (${name})`, () => {
      assert.equal(typeof at(now - 5), 'object');
      assert.equal(at(now - 5.001), 'invalid');
    });

    it(`never lives longer than 60 seconds, whatever is signed (${name})`, () => {
      const lasting = (life: number) => open(changed(name, { exp: now + life }), opener);
      assert.equal(typeof lasting(60), 'object');
      for (const life of [61, 3600, Number.MAX_SAFE_INTEGER - now])
        assert.equal(lasting(life), 'invalid');
      for (const life of [0, -1, -now]) assert.equal(lasting(life), 'invalid');
    });

    it(`is opened as its own kind only (${name})`, () => {
      for (const other of names.filter((kind) => kind !== name))
        assert.equal(kinds[other].open(text(), opener), 'invalid');
    });

    it(`is opened under the key that was newest before, while that is listed (${name})`, () => {
      const before = { ...mint, keys: createSigningKeys([oldSecret]) };
      const { text: old } = {
        cookie: mintCookie(ada, before),
        csrf: mintCsrf(page, before),
        embed: mintEmbed(ada, origin, before),
      }[name];
      const opened = open(old, opener);
      assert.ok(typeof opened === 'object');
      assert.equal(opened.kid, 'old');
      const after = { ...opener, keys: createSigningKeys([newSecret]) };
      assert.equal(open(old, after), 'invalid');
    });

    it(`is invalid rather than expired when more is wrong with it (${name})`, () => {
      const late = { ...opener, nowSeconds: now + 100 };
      assert.equal(open(changed(name, {}), late), 'expired');
      assert.equal(open(changed(name, { iss: 1 }), late), 'invalid');
      assert.equal(open(`${text()}A`, late), 'invalid');
    });
  }

  it('binds across a change of the key, whichever of the two is older', () => {
    const before = { ...mint, keys: createSigningKeys([oldSecret]) };
    for (const [forCookie, forCsrf] of [
      [before, mint],
      [mint, before],
    ] as const) {
      const cookie = openCookie(mintCookie(ada, forCookie).text, opener);
      const csrf = openCsrf(mintCsrf(page, forCsrf).text, opener);
      assert.ok(typeof cookie === 'object' && typeof csrf === 'object');
      assert.notEqual(cookie.kid, csrf.kid);
      assert.equal(isBound(csrf, cookie, keys), true);
      assert.equal(isBound(csrf, { ...cookie, sub: 'eve' }, keys), false);
    }
  });
});

/** Claims that no gateway writes, truly signed: each is invalid. */
const wrong: Readonly<Record<string, readonly unknown[]>> = {
  aud: [undefined, 'postern', 'Postern/ws', ['postern/ws'], ['postern/cookie'], null, ''],
  iss: [undefined, null, 1, ['https://id.test'], {}],
  sub: [undefined, null, '', 1, ['ada']],
  iat: [undefined, null, String(now), now + 0.5, now + 6, -1, -now, 1e300, true, [now]],
  exp: [undefined, null, String(now + 45), now + 44.5, 1e300, -1, 0, 9e15, true, [now + 45]],
};
const wrongOfLogins: typeof wrong = {
  sid: [undefined, null, 1, ['s1']],
  scp: [undefined, null, 'rw', ['news'], 1],
  ajti: [null, 1, ['site-1']],
  aiat: [undefined, null, String(now), -1, true, []],
  aexp: [undefined, null, String(now), -1, true, []],
};
const wrongOfPages: typeof wrong = {
  jti: [undefined, null, 1, '', 'a', 'A'.repeat(21), 'A'.repeat(23), `${'A'.repeat(21)}B`],
  ori: [undefined, null, '', 1, [origin]],
};
const tables: Readonly<Record<(typeof names)[number], typeof wrong>> = {
  cookie: { ...wrong, ...wrongOfLogins, cid: [undefined, null, '', 'A'.repeat(22), 1] },
  csrf: {
    ...wrong,
    ...wrongOfPages,
    sub: [undefined, null, '', 'ada', 1, 'A'.repeat(23), `${'A'.repeat(21)}B`],
    scp: [null, 'news', {}, [1], [''], ['news', null], 1],
  },
  embed: { ...wrong, ...wrongOfLogins, ...wrongOfPages },
};

describe('A ticket that is signed and makes no sense is invalid:', () => {
  for (const name of names)
    for (const [claim, values] of Object.entries(tables[name]))
      for (const value of values)
        it(`${name} with ${claim} ${JSON.stringify(value) ?? 'missing'}`, () => {
          assert.equal(kinds[name].open(changed(name, { [claim]: value }), opener), 'invalid');
        });

  for (const name of names)
    for (const number of ['1e400', '-1e400', 'NaN', 'Infinity', `${now}.0`, `0x${now}`])
      for (const claim of ['iat', 'exp'])
        it(`${name} with ${claim} spelt ${number}`, () => {
          const payload = parts(kinds[name].text()).payload;
          const other = payload.replace(new RegExp(`"${claim}":\\d+`), `"${claim}":${number}`);
          assert.notEqual(other, payload);
          const token = forge(headerText(name), other, keyOf(name));
          assert.equal(kinds[name].open(token, opener), 'invalid');
        });

  it('the claims of a prototype are not its own', () => {
    const claims = '{"__proto__":{"aud":"postern/ws"}}';
    assert.equal(openCsrf(forge(headerText('csrf'), claims, keyOf('csrf')), opener), 'invalid');
  });
});

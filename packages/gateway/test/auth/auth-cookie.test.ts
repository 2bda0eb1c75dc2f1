import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  COOKIE_NAME,
  cookiesWithout,
  DEV_COOKIE_NAME,
  findCookie,
  setCookieLine,
} from '#gateway/auth/auth-cookie.js';

const name = COOKIE_NAME;
/** The header lines of a request, names and values in turn, as Node hands them out. */
const request = (...lines: readonly string[]) => [
  'Host',
  'app.test',
  ...lines.flatMap((line) => ['Cookie', line]),
];

describe('The auth cookie', () => {
  for (const line of [
    `${name}=a.b.c`,
    `x=1; ${name}=a.b.c; y=2`,
    `${name}=a.b.c;x=1`,
    `x=1;${name}=a.b.c`,
    `x=1;   ${name}=a.b.c`,
    `;; ${name}=a.b.c;`,
    `x=${name}; ${name}=a.b.c`,
    `$Version=1; ${name}=a.b.c`,
    `"; ${name}=a.b.c; "`,
  ])
    it(`is found in ${JSON.stringify(line)}`, () => {
      assert.deepEqual(findCookie(request(line), name), { value: 'a.b.c' });
    });

  it('is found on any Cookie line, however that is spelt', () => {
    const headers = ['cookie', 'x=1', 'COOKIE', `${name}=a`, 'Cookie', 'y=2'];
    assert.deepEqual(findCookie(headers, name), { value: 'a' });
  });

  it('is not looked for in other headers, nor in the name of one', () => {
    const headers = ['Cookie2', `${name}=a`, 'X-Cookie', `${name}=a`, `Cookie`, 'x=1'];
    assert.equal(findCookie([...headers, 'Set-Cookie', `${name}=a`], name), 'missing');
    assert.equal(findCookie(['X', 'Cookie', `${name}=a`, 'b'], name), 'missing');
  });

  for (const odd of [
    `\u00a0${name}`,
    `\u0085${name}`,
    // U+2003, as Node hands out its octets.
    `\u00e2\u0080\u0083${name}`,
    `\ufeff${name}`,
    `\t${name}`,
    `\v${name}`,
    `\f${name}`,
    `\0${name}`,
    `${name} `,
    `${name}\t`,
    `${name}\u00a0`,
    `"${name}"`,
    `'${name}'`,
    `$${name}`,
    `=${name}`,
    name.toLowerCase(),
    name.toUpperCase(),
    `${name}x`,
    `x${name}`,
    `__Host-postern`,
    name.slice(0, -1),
    encodeURIComponent(name).replace('-', '%2D'),
  ])
    it(`is not read from the name ${JSON.stringify(odd)}`, () => {
      assert.equal(findCookie(request(`${odd}=a`), name), 'missing');
      assert.deepEqual(findCookie(request(`${odd}=a; ${name}=b`), name), { value: 'b' });
    });

  for (const lines of [
    [`${name}=a; ${name}=b`],
    [`${name}=a; ${name}=a`],
    [`${name}=a; ${name}=`],
    [`${name}=a`, `${name}=b`],
    [`${name}=a`, 'x=1', `y=2; ${name}=a`],
  ])
    it(`is ambiguous in ${JSON.stringify(lines)}`, () => {
      assert.equal(findCookie(request(...lines), name), 'ambiguous');
    });

  it('is missing without Cookie lines, and where it has no equals sign', () => {
    for (const lines of [[], [''], [name], [`x=1; ${name}`], [`x="; ${name}`]])
      assert.equal(findCookie(request(...lines), name), 'missing');
  });

  it('has the value as it stands: with quotes, spaces, equals signs, commas, or of nothing', () => {
    for (const value of ['"a"', 'a ', ' a', '\ta', 'a=b', 'a,b', '', '%41', 'missing', 'ambiguous'])
      assert.deepEqual(findCookie(request(`${name}=${value}`), name), { value });
  });

  it('is found as an oracle finds it that goes octet by octet', () => {
    const piece = fc.constantFrom('n', 'N', '=', ';', ' ', '\t', '\u00a0', '"', 'n=', '; n=', ',');
    const line = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(''));
    const header = fc.constantFrom('Cookie', 'cookie', 'X');
    fc.assert(
      fc.property(fc.array(fc.tuple(header, line), { maxLength: 4 }), (lines) => {
        assert.deepEqual(findCookie(lines.flat(), 'n'), expected(lines));
      }),
      { numRuns: 5000 },
    );

    function expected(lines: readonly (readonly [string, string])[]): unknown {
      const values: string[] = [];
      for (const [of, text] of lines) {
        let at = of === 'X' ? text.length : 0;
        while (at < text.length) {
          while (text.charAt(at) === ' ') at++;
          let end = at;
          while (end < text.length && text.charAt(end) !== ';') end++;
          if (text.charAt(at) === 'n' && text.charAt(at + 1) === '=' && at + 1 < end)
            values.push(text.substring(at + 2, end));
          at = end + 1;
        }
      }
      if (values.length > 1) return 'ambiguous';
      return values.length === 0 ? 'missing' : { value: values[0] };
    }
  });
});

describe('The Cookie line without some cookies', () => {
  it('keeps all others as they stand, those with a similar name too', () => {
    const lines = [`a=1; ${name}=x;b="2 "`, `${name}x=3; ${name}=y`, `\u00a0${name}=4`];
    assert.equal(
      cookiesWithout(request(...lines), [name, DEV_COOKIE_NAME]),
      `a=1; b="2 "; ${name}x=3; \u00a0${name}=4`,
    );
    assert.equal(cookiesWithout(request('postern-dev=1; a=2'), [name, DEV_COOKIE_NAME]), 'a=2');
  });

  it('is none when nothing is left', () => {
    assert.equal(cookiesWithout(request(), [name]), undefined);
    assert.equal(cookiesWithout(request(`${name}=x; `), [name]), undefined);
  });

  it('never holds one of them', () => {
    const pair = fc.constantFrom('n=1', ' n=2', '  n=3', 'm=1', '\tn=1', '', ' ', 'n', '=n=1');
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        const line = cookiesWithout(['Cookie', pairs.join(';')], ['n']);
        assert.equal(findCookie(['Cookie', line ?? ''], 'n'), 'missing');
      }),
    );
  });
});

describe('The Set-Cookie line', () => {
  const life = { maxAgeSeconds: 55, nowSeconds: 1_700_000_000 };

  it('holds a browser to TLS, to this host and to pages of this site, for 55 seconds', () => {
    assert.deepEqual(setCookieLine('a.b.c', { name: COOKIE_NAME, ...life }), {
      line: '__Host-Http-postern=a.b.c; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=55; Expires=Tue, 14 Nov 2023 22:14:15 GMT',
    });
  });

  it('asks for no TLS in development', () => {
    assert.deepEqual(setCookieLine('a.b.c', { name: DEV_COOKIE_NAME, ...life }), {
      line: 'postern-dev=a.b.c; Path=/; HttpOnly; SameSite=Strict; Max-Age=55; Expires=Tue, 14 Nov 2023 22:14:15 GMT',
    });
  });

  it('is none for a cookie of more than 3 KiB, and says why without its value', () => {
    const longest = 3072 - name.length - 1;
    const made = (length: number) => setCookieLine('v'.repeat(length), { name, ...life });
    assert.ok('line' in made(longest));
    const over = made(longest + 1);
    assert.ok('problem' in over);
    assert.match(over.problem, /3072 bytes.*fewer channels/);
    assert.ok(!over.problem.includes('vv'));
  });
});

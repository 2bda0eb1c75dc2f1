import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createOriginCheck, createOrigins } from '#gateway/auth/origins.js';

/** Origins that look like https://app.test and are not. */
const LOOK_ALIKES = [
  'https://evil.test',
  'https://app.test.evil.test',
  'https://app.test@evil.test',
  'https://evil.test#https://app.test',
  'https://evil.test/https://app.test/',
  'http://app.test',
  'wss://app.test',
  'https://sub.app.test',
  'https://app.test:443',
  'https://app.test:8443',
  'https://APP.test',
  'HTTPS://app.test',
  'https://app.test.',
  'https://app.test/',
  'https://app.test\t',
  ' https://app.test',
  'https://app.test ',
  'https://app.test, https://app.test',
  'https://app.test https://app.test',
  'https://app.tеst',
  'https://app.tes',
  'app.test',
  '//app.test',
  'app://X',
  'app://x/',
  'app:x',
  'capacitor://localhost:80',
  'file://',
  'https://*',
  '*',
  'null',
  'Null',
  'undefined',
  '',
];

const lists = {
  allowed: ['https://app.test', 'app://x', 'capacitor://localhost', 'null'],
  publicUrl: 'https://ws.test:443/base/',
  embed: ['https://frame.test', 'null'],
};
const origins = createOrigins(lists);

const page = (origin: string) => ({ origin, isAllowed: true, isEmbedding: false });
const frame = { origin: 'https://frame.test', isAllowed: false, isEmbedding: true };
const unsaid = { origin: undefined, isAllowed: true, isEmbedding: false };
const preauth = (...rawHeaders: readonly string[]) =>
  origins.ofPreauth(['Host', 'x', ...rawHeaders]);

describe('The origin of a preauth', () => {
  it('may be one that is listed, or that of the public URL, however the header is spelt', () => {
    for (const origin of [
      'https://app.test',
      'app://x',
      'capacitor://localhost',
      'https://ws.test',
    ])
      for (const name of ['Origin', 'origin', 'ORIGIN'])
        assert.deepEqual(preauth(name, origin), page(origin));
  });

  it('may be one that embeds, which is no more than that', () => {
    assert.deepEqual(preauth('Origin', 'https://frame.test'), frame);
  });

  it('may be on both lists', () => {
    const both = createOrigins({ ...lists, embed: ['https://app.test'] });
    const expected = { origin: 'https://app.test', isAllowed: true, isEmbedding: true };
    assert.deepEqual(both.ofPreauth(['Origin', 'https://app.test']), expected);
  });

  for (const origin of [...LOOK_ALIKES, 'https://ws.test:443', 'https://ws.test/base/'])
    it(`is not ${JSON.stringify(origin)}`, () => {
      assert.equal(preauth('Origin', origin), 'origin_denied');
      assert.equal(preauth('Origin', origin, 'Authorization', 'Bearer a.b.c'), 'origin_denied');
      const referer = ['Referer', 'https://app.test/'];
      assert.equal(preauth('Origin', origin, ...referer), 'origin_denied');
    });

  it('is said once, even if it is the same, and whichever is first', () => {
    const [one, other] = ['https://app.test', 'https://evil.test'];
    for (const pair of [
      [one, other],
      [other, one],
      [one, one],
    ] as const)
      assert.equal(preauth('Origin', pair[0], 'origin', pair[1]), 'origin_denied');
  });

  it('may be missing where a bearer comes without any cookie', () => {
    assert.deepEqual(preauth('Authorization', 'Bearer a.b.c'), unsaid);
    assert.equal(preauth('Authorization', 'Bearer a.b.c', 'Cookie', 'x=1'), 'origin_missing');
    assert.equal(preauth('cookie', '', 'authorization', 'Bearer a.b.c'), 'origin_missing');
    assert.equal(preauth('Cookie', 'x=1'), 'origin_missing');
    assert.equal(preauth(), 'origin_missing');
  });

  it('may be said by Referer alone, as IE does on pages of ours', () => {
    for (const origin of ['https://app.test', 'https://ws.test', 'app://x'])
      for (const path of ['/', '/a/b?c=d', '/@evil.test/'])
        assert.deepEqual(preauth('Cookie', 'x=1', 'Referer', `${origin}${path}`), page(origin));
  });

  const likelyReferers = [
    ...LOOK_ALIKES.filter((text) => text !== 'https://app.test/' && text !== 'app://x/'),
    'https://app.test',
    'https://app.test.evil.test/',
    'https://app.test@evil.test/',
    String.raw`https://app.test\@evil.test/`,
    'https://app.test?/',
    'https://app.test#/',
    'https://app.test:443/',
    'https://evil.test/?https://app.test/',
    'null/',
    'https://frame.test/',
  ];
  for (const referer of likelyReferers)
    it(`is not said by the Referer ${JSON.stringify(referer)}`, () => {
      assert.equal(preauth('Cookie', 'x=1', 'Referer', referer), 'origin_missing');
    });

  it('is not said by two Referers', () => {
    const referer = ['Referer', 'https://app.test/'];
    assert.equal(preauth('Cookie', 'x=1', ...referer, ...referer), 'origin_missing');
  });
});

describe('The origin of a postern.v1 handshake', () => {
  const handshake = (by: 'browser' | 'embed' | 'bearer', ...rawHeaders: readonly string[]) =>
    origins.ofHandshake(['Host', 'ws.test', ...rawHeaders], by);

  it('is one of ours, whether a browser or a bearer brings the credential', () => {
    for (const origin of [
      'https://app.test',
      'app://x',
      'capacitor://localhost',
      'https://ws.test',
    ])
      for (const by of ['browser', 'bearer'] as const)
        assert.deepEqual(handshake(by, 'Origin', origin), page(origin));
  });

  it('is one that embeds for an embed token, and for nothing else', () => {
    assert.deepEqual(handshake('embed', 'Origin', 'https://frame.test'), frame);
    assert.equal(handshake('browser', 'Origin', 'https://frame.test'), 'origin_denied');
    assert.equal(handshake('bearer', 'Origin', 'https://frame.test'), 'origin_denied');
    assert.equal(handshake('embed', 'Origin', 'https://app.test'), 'origin_denied');
  });

  it('may be missing beside a bearer only, and Referer does not say it', () => {
    const referer = ['Referer', 'https://app.test/'];
    assert.deepEqual(handshake('bearer', ...referer), unsaid);
    assert.equal(handshake('browser', ...referer), 'origin_missing');
    assert.equal(handshake('embed', ...referer), 'origin_missing');
    assert.equal(handshake('browser', 'Authorization', 'Bearer a.b.c'), 'origin_missing');
  });

  it('is said once', () => {
    const two = ['Origin', 'https://app.test', 'Origin', 'https://app.test'];
    for (const by of ['browser', 'bearer'] as const)
      assert.equal(handshake(by, ...two), 'origin_denied');
  });

  for (const origin of LOOK_ALIKES)
    it(`is not ${JSON.stringify(origin)}, whoever brings it`, () => {
      for (const by of ['browser', 'embed', 'bearer'] as const)
        assert.equal(handshake(by, 'Origin', origin), 'origin_denied');
    });

  it('is not that of the Host header: without a public URL no origin is our own', () => {
    const none = createOrigins({ allowed: [], publicUrl: undefined, embed: [] });
    const headers = ['Host', 'ws.test', 'Origin', 'https://ws.test'];
    assert.equal(none.ofHandshake(headers, 'browser'), 'origin_denied');
    assert.equal(none.ofHandshake(headers, 'bearer'), 'origin_denied');
    assert.equal(none.ofPreauth(headers), 'origin_denied');
  });

  it('is never allowed when it is on no list, whatever it is', () => {
    const known = [...lists.allowed, 'https://ws.test', ...lists.embed];
    const near = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc
        .tuple(fc.constantFrom(...known), fc.nat(30), fc.string({ maxLength: 2 }))
        .map(([origin, at, text]) => origin.slice(0, at) + text + origin.slice(at)),
    );
    fc.assert(
      fc.property(near, fc.constantFrom('browser', 'embed', 'bearer'), (origin, by) => {
        fc.pre(!known.includes(origin) || origin === 'null');
        assert.equal(handshake(by, 'Origin', origin), 'origin_denied');
        assert.equal(preauth('Origin', origin), 'origin_denied');
      }),
      { numRuns: 500 },
    );
  });
});

describe('The origin of a request for a stream', () => {
  const SELF = ['Sec-Fetch-Site', 'same-origin'];
  const stream = (by: 'browser' | 'embed' | 'bearer', ...rawHeaders: readonly string[]) =>
    origins.ofStream(['Host', 'x', ...rawHeaders], by);

  it('is that of a handshake, when it is there', () => {
    for (const origin of [...LOOK_ALIKES, ...lists.allowed, ...lists.embed, 'https://ws.test'])
      for (const by of ['browser', 'embed', 'bearer'] as const) {
        const expected = origins.ofHandshake(['Host', 'x', 'Origin', origin], by);
        assert.deepEqual(stream(by, 'Origin', origin), expected);
        assert.deepEqual(stream(by, 'Origin', origin, ...SELF), expected);
      }
  });

  it('is our own, when a browser says none and that it is of the same', () => {
    assert.deepEqual(stream('browser', ...SELF), page('https://ws.test'));
    assert.deepEqual(stream('browser', 'sec-fetch-site', 'same-origin'), page('https://ws.test'));
  });

  it('is missing otherwise, but for a bearer', () => {
    for (const site of [
      'same-site',
      'cross-site',
      'none',
      'Same-Origin',
      'same-origin, same-origin',
      '',
    ])
      assert.equal(stream('browser', 'Sec-Fetch-Site', site), 'origin_missing');
    assert.equal(stream('browser'), 'origin_missing');
    assert.equal(stream('browser', ...SELF, ...SELF), 'origin_missing');
    assert.equal(stream('embed', ...SELF), 'origin_missing');
    assert.deepEqual(stream('bearer'), unsaid);
    assert.deepEqual(stream('bearer', ...SELF), unsaid);
  });

  it('is not our own where nobody knows which that is', () => {
    const none = createOrigins({ ...lists, publicUrl: undefined });
    assert.equal(none.ofStream(['Host', 'ws.test', ...SELF], 'browser'), 'origin_missing');
  });
});

describe('The origin of a raw handshake', () => {
  const isAllowed = createOriginCheck(['https://app.test', 'app://x']);

  it('passes everything when no origin is listed', () => {
    const passes = createOriginCheck([]);
    for (const origin of [undefined, 'null', '', 'https://evil.test'])
      assert.equal(passes(origin), true);
  });

  it('passes listed origins, and a bearer that comes without one', () => {
    for (const origin of ['https://app.test', 'app://x', undefined])
      assert.equal(isAllowed(origin), true);
  });

  for (const origin of LOOK_ALIKES)
    it(`refuses ${JSON.stringify(origin)}`, () => {
      assert.equal(isAllowed(origin), false);
    });

  it('refuses null even when it is listed', () => {
    const nullListed = createOriginCheck(['null']);
    assert.equal(nullListed('null'), false);
    assert.equal(nullListed('https://app.test'), false);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createHostCheck } from '#gateway/http/host.js';

const anywhere = (...allowed: string[]) => createHostCheck({ allowed, loopbackOnly: false });
const onLoopback = (...allowed: string[]) => createHostCheck({ allowed, loopbackOnly: true });

const own = [
  'localhost',
  'LOCALHOST:3000',
  'app.localhost',
  'localhost.',
  '127.0.0.1:80',
  '127.9.9.9',
  '[::1]',
  '[0:0::1]:3000',
];
const foreign = [
  'evil.test',
  'localhost.evil.test',
  'evillocalhost',
  '127.0.0.1.evil.test',
  '127.1',
  '0x7f.1',
  '2130706433',
  '[::2]',
  '0.0.0.0',
];
const malformed = [
  '',
  ' ',
  'a b',
  'localhost@evil.test',
  'evil@localhost',
  'http://localhost',
  'localhost/',
  'localhost:3000:1',
  'localhost:x',
  'localhost,evil.test',
  '::1',
  '[::1',
  '[]',
  '[::g]',
  'localhost..',
  '.localhost',
  'localhost:999999',
  'localhost\t',
  'lоcalhost',
];

describe('A Host header, on loopback', () => {
  it('is to be a name of this computer', () => {
    for (const host of own) assert.equal(onLoopback()(host), true, host);
    for (const host of [...foreign, ...malformed, undefined])
      assert.equal(onLoopback()(host), false, host);
  });

  it('may be that, or one that is listed', () => {
    for (const host of [...own, 'ws.test']) assert.equal(onLoopback('ws.test')(host), true, host);
    for (const host of [...foreign, ...malformed])
      assert.equal(onLoopback('ws.test')(host), false, host);
  });
});

describe('The host of the public URL', () => {
  const publicUrl = 'https://gw.app.test:8443/rt';

  it('is allowed on loopback, and beside those that are listed', () => {
    const allowed = ['other.test'];
    for (const check of [
      createHostCheck({ allowed: [], publicUrl, loopbackOnly: true }),
      createHostCheck({ allowed, publicUrl, loopbackOnly: false }),
    ]) {
      assert.equal(check('gw.app.test:8443'), true);
      assert.equal(check('gw.app.test:1'), false);
      assert.equal(check('evil.test:8443'), false);
    }
  });

  it('is no list by itself: where any name will do, any does', () => {
    const check = createHostCheck({ allowed: [], publicUrl, loopbackOnly: false });
    assert.equal(check('evil.test'), true);
  });
});

describe('A Host header, anywhere else', () => {
  it('may be anything where nothing is listed, or all', () => {
    for (const host of [...own, ...foreign, ...malformed, undefined]) {
      assert.equal(anywhere()(host), true, host);
      assert.equal(onLoopback('*')(host), true, host);
    }
  });

  it('is to be listed, and this computer’s own names are then not', () => {
    const check = anywhere('ws.test', 'other.test:8443', '[2001:DB8:0::1]', '192.0.2.1');
    for (const host of [
      'ws.test',
      'WS.test.',
      'ws.test:1',
      'ws.test:',
      'other.test:8443',
      'OTHER.test.:08443',
      '[2001:db8::1]:80',
      '192.0.2.1',
    ])
      assert.equal(check(host), true, host);
    for (const host of [
      'other.test',
      'other.test:8444',
      'x.ws.test',
      'ws.test.evil',
      'ws-test',
      ...own,
      ...malformed,
    ])
      assert.equal(check(host), false, host);
  });

  it('agrees with what a browser takes for the host, whatever is written', () => {
    const part = fc.constantFrom(
      'ws.test',
      'localhost',
      '127.0.0.1',
      '[::1]',
      '@',
      ':',
      '.',
      '/',
      '80',
      '8443',
      '%',
      '#',
      '?',
      '\\',
      ' ',
      '-',
      'evil',
      '[',
      ']',
    );
    const text = fc.oneof(
      fc.array(part, { maxLength: 5 }).map((parts) => parts.join('')),
      fc.string(),
    );
    const check = anywhere('ws.test');
    fc.assert(
      fc.property(text, (host) => {
        if (!check(host)) return;
        const { hostname, username, pathname } = new URL(`http://${host}`);
        assert.deepEqual([hostname.replace(/\.$/, ''), username, pathname], ['ws.test', '', '/']);
      }),
      { numRuns: 3_000 },
    );
  });
});

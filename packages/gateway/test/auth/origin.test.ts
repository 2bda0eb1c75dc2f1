import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createOriginCheck } from '#gateway/auth/origin.js';

describe('createOriginCheck', () => {
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

  for (const origin of [
    'https://evil.test',
    'https://app.test.evil.test',
    'https://evil.test#https://app.test',
    'http://app.test',
    'https://app.test:443',
    'https://app.test:8443',
    'https://APP.test',
    'https://app.test.',
    'https://app.test/',
    ' https://app.test',
    'https://app.test, https://app.test',
    'https://app.tеst',
    'null',
    '',
  ])
    it(`refuses ${JSON.stringify(origin)}`, () => {
      assert.equal(isAllowed(origin), false);
    });

  it('refuses null even when it is listed', () => {
    const nullListed = createOriginCheck(['null']);
    assert.equal(nullListed('null'), false);
    assert.equal(nullListed('https://app.test'), false);
  });
});

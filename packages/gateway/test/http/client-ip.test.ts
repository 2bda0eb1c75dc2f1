import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createClientAddress } from '#gateway/http/client-ip.js';
import type { Fields } from '#gateway/observe/log.js';
import { requestFrom } from './requests.ts';

/** Whose request it is: from `peer`, with this `X-Forwarded-For`, where these are trusted. */
function clientOf(peer: string | undefined, forwardedFor?: string, trusted = ['10.0.0.0/8']) {
  const address = createClientAddress({ trustedProxies: trusted, log: () => {} });
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  return address(requestFrom(peer, headers));
}

describe('The address of a client', () => {
  it('is that of whoever connects, where no proxy is trusted', () => {
    assert.equal(clientOf('198.51.100.1', undefined, []), '198.51.100.1');
    assert.equal(clientOf('2001:db8::1', undefined, []), '2001:db8::1');
    assert.equal(clientOf('198.51.100.1', '203.0.113.9', []), '198.51.100.1');
  });

  it('is what a trusted proxy says', () => {
    assert.equal(clientOf('10.0.0.1', '203.0.113.9'), '203.0.113.9');
    assert.equal(clientOf('10.0.0.1', '2001:db8::9'), '2001:db8::9');
    assert.equal(clientOf('::1', '203.0.113.9', ['::1', '127.0.0.1']), '203.0.113.9');
  });

  it('is the proxy’s own when it says nothing', () => {
    for (const nothing of [undefined, '', ' ', ',', ' , ,'])
      assert.equal(clientOf('10.0.0.1', nothing), '10.0.0.1', JSON.stringify(nothing));
  });

  it('is the one before a row of trusted proxies', () => {
    assert.equal(clientOf('10.0.0.1', '203.0.113.9, 10.0.0.3, 10.0.0.2'), '203.0.113.9');
    assert.equal(clientOf('10.0.0.1', '10.0.0.3, 10.0.0.2'), '10.0.0.3');
  });

  it('is not what the client wrote into the header before the proxy did', () => {
    for (const made of [
      '1.1.1.1',
      '10.0.0.9',
      'unknown',
      '::1',
      '1.1.1.1, 10.0.0.9',
      '"',
      '[',
      ':',
    ])
      assert.equal(clientOf('10.0.0.1', `${made}, 203.0.113.9`), '203.0.113.9', made);
  });

  it('has one spelling', () => {
    for (const spelling of [
      '203.0.113.9',
      '::ffff:203.0.113.9',
      '::FFFF:cb00:7109',
      '203.0.113.9:80',
    ])
      assert.equal(clientOf('::ffff:10.0.0.1', spelling), '203.0.113.9', spelling);
    for (const spelling of ['2001:db8::9', '2001:DB8:0:0::9', '[2001:db8::9]', '[2001:db8::9]:443'])
      assert.equal(clientOf('10.0.0.1', spelling), '2001:db8::9', spelling);
    assert.equal(clientOf('fe80::1%eth0'), 'fe80::1');
  });

  it('is that of the proxy that wrote something unreadable', () => {
    const unreadable = [
      'unknown',
      '_hidden',
      '-',
      '0x7f.1',
      '010.0.0.1',
      '1.2.3',
      '[',
      ']:1',
      '::g',
    ];
    for (const text of [
      ...unreadable,
      '1.2.3.4:',
      '1.2.3.4:123456',
      '2001:db8::1:443:x',
      '\t',
      'é',
    ])
      assert.equal(clientOf('10.0.0.1', `203.0.113.9, ${text}`), '10.0.0.1', text);
    assert.equal(clientOf('10.0.0.1', 'unknown, 10.0.0.2'), '10.0.0.2');
  });

  it('is one for all whose connection has no address', () => {
    assert.equal(clientOf(undefined), 'unknown');
    assert.equal(clientOf(undefined, '203.0.113.9'), 'unknown');
  });

  it('is found among ten thousand entries, trusted or not', () => {
    const many = (entry: string): string => Array.from({ length: 10_000 }, () => entry).join(',');
    assert.equal(clientOf('10.0.0.1', `${many('1.1.1.1')},203.0.113.9`), '203.0.113.9');
    assert.equal(clientOf('10.0.0.1', `203.0.113.9,${many('10.0.0.2')}`), '203.0.113.9');
    assert.equal(clientOf('10.0.0.1', many('unknown')), '10.0.0.1');
    assert.equal(clientOf('10.0.0.1', many('')), '10.0.0.1');
  });

  it('depends on nothing that a client writes, whatever that is', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('unknown', '', ' '))).map(String),
    );
    const hops = fc.array(
      fc.integer({ min: 0, max: 255 }).map((n) => `10.9.9.${n}`),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(text, hops, (made, proxies) => {
        const [peer = '10.0.0.1', ...between] = proxies;
        const header = [made, '203.0.113.9', ...between].join(', ');
        assert.equal(clientOf(peer, header), '203.0.113.9');
        assert.equal(clientOf('198.51.100.1', header), '198.51.100.1');
      }),
      { numRuns: 300 },
    );
  });
});

describe('A peer that is not listed and sends forwarded headers', () => {
  const unlisted = (log: (event: string, fields?: Fields) => void) =>
    createClientAddress({ trustedProxies: ['10.0.0.1'], log });

  it('causes one warning that names it and the option, and no more', () => {
    const warnings: unknown[] = [];
    const address = unlisted((event, fields) => warnings.push([event, fields]));
    address(requestFrom('10.0.0.1', { 'x-forwarded-for': '203.0.113.9' }));
    address(requestFrom('10.0.0.2'));
    assert.deepEqual(warnings, []);
    for (let n = 2; n < 100; n++)
      address(requestFrom(`10.0.0.${n}`, { 'x-forwarded-for': '203.0.113.9' }));
    const named = { peer: '10.0.0.2', option: 'POSTERN_TRUSTED_PROXIES' };
    assert.deepEqual(warnings, [['proxy_untrusted', named]]);
  });

  for (const name of ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded'])
    it(`is noticed by ${name}`, () => {
      const events: string[] = [];
      const address = unlisted((event) => events.push(event));
      assert.equal(address(requestFrom('10.0.0.2', { [name]: 'for=203.0.113.9' })), '10.0.0.2');
      assert.deepEqual(events, ['proxy_untrusted']);
    });
});

describe('The list of trusted proxies', () => {
  it('refuses what is no address at the start', () => {
    assert.throws(
      () => createClientAddress({ trustedProxies: ['proxy.test'], log: () => {} }),
      TypeError,
    );
  });
});

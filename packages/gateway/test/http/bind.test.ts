import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bindAddress } from '#gateway/http/bind.js';

describe('bindAddress', () => {
  it('understands the short forms of postgres-websockets', () => {
    assert.deepEqual(bindAddress('*', true), { host: '::', ipv6Only: false });
    assert.deepEqual(bindAddress('*6', true), { host: '::', ipv6Only: false });
    assert.deepEqual(bindAddress('!6', true), { host: '::', ipv6Only: true });
    assert.deepEqual(bindAddress('*4', true), { host: '0.0.0.0', ipv6Only: false });
    assert.deepEqual(bindAddress('!4', true), { host: '0.0.0.0', ipv6Only: false });
  });

  it('takes all of IPv4 for everything where there is no IPv6', () => {
    assert.equal(bindAddress('*', false).host, '0.0.0.0');
  });

  it('takes anything else for an address or a name', () => {
    assert.equal(bindAddress('127.0.0.1').host, '127.0.0.1');
    assert.equal(bindAddress('::1').host, '::1');
    assert.equal(bindAddress('localhost').host, 'localhost');
    assert.equal(bindAddress('constructor').host, 'constructor');
  });
});

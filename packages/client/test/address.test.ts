import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { addressesOf, streamAddress } from '#client/address.js';

import { withGlobal } from './support/globals.ts';

describe('addressesOf', () => {
  for (const [url, socket, preauth] of [
    ['https://rt.example.com', 'wss://rt.example.com/ws', 'https://rt.example.com/preauth'],
    ['http://localhost:3000', 'ws://localhost:3000/ws', 'http://localhost:3000/preauth'],
    ['wss://rt.example.com', 'wss://rt.example.com/ws', 'https://rt.example.com/preauth'],
    ['ws://[::1]:3000', 'ws://[::1]:3000/ws', 'http://[::1]:3000/preauth'],
    [
      'https://example.com/postern',
      'wss://example.com/postern/ws',
      'https://example.com/postern/preauth',
    ],
    ['https://example.com/a/b', 'wss://example.com/a/b/ws', 'https://example.com/a/b/preauth'],
  ] as const)
    it(`takes ${url} for a gateway`, () => {
      assert.deepEqual(addressesOf(url), { socket, preauth });
    });

  it('takes it for the same with a slash or /ws at its end, or both', () => {
    for (const base of ['https://rt.example.com', 'wss://example.com/postern'])
      for (const end of ['/', '//', '/ws', '/ws/', '/ws//'])
        assert.deepEqual(addressesOf(base + end), addressesOf(base), base + end);
  });

  it('takes no other end, and no host, for a /ws', () => {
    assert.equal(
      addressesOf('https://rt.example.com/draws').socket,
      'wss://rt.example.com/draws/ws',
    );
    assert.equal(addressesOf('https://rt.example.com/WS').socket, 'wss://rt.example.com/WS/ws');
    assert.equal(addressesOf('https://ws').socket, 'wss://ws/ws');
  });

  it('finds a path on the origin of the page, whatever its port', (t) => {
    withGlobal(t, 'location', { protocol: 'https:', host: 'app.example.com:8443' });
    const found = {
      socket: 'wss://app.example.com:8443/postern/ws',
      preauth: 'https://app.example.com:8443/postern/preauth',
    };
    assert.deepEqual(addressesOf('/postern'), found);
    assert.deepEqual(addressesOf('/postern/ws'), found);
    assert.equal(addressesOf('/').socket, 'wss://app.example.com:8443/ws');
    assert.equal(
      addressesOf('//evil.example/x').socket,
      'wss://app.example.com:8443//evil.example/x/ws',
    );
    assert.equal(addressesOf('ws://other:1').socket, 'ws://other:1/ws');
  });

  it('has no path where there is no page, nor on one that came from no server', (t) => {
    assert.throws(() => addressesOf('/postern'), TypeError);
    withGlobal(t, 'location', { protocol: 'file:', host: '' });
    assert.throws(() => addressesOf('/postern'), TypeError);
  });

  it('refuses what names no gateway, and what would come into logs or is never sent', () => {
    for (const url of [
      '',
      'rt.example.com',
      'ftp://rt.example.com',
      'https:rt.example.com',
      'https://',
      'javascript:alert(1)//http://x',
      'https://rt.example.com/?token=secret',
      'https://rt.example.com#there',
    ])
      assert.throws(() => addressesOf(url), TypeError, url);
  });
});

describe('streamAddress', () => {
  it('is beside the WebSocket, with or without TLS', () => {
    assert.equal(streamAddress('wss://ws.example.com/ws/ws'), 'https://ws.example.com/ws/sse');
    assert.equal(streamAddress('ws://localhost:3000/ws'), 'http://localhost:3000/sse');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bindsLoopback, isLoopbackHost } from '#gateway/loopback.js';

describe('The address to listen on', () => {
  it('is known for loopback', () => {
    for (const host of [
      '127.0.0.1',
      '127.0.0.2',
      '::1',
      'localhost',
      'LocalHost',
      'gate.localhost',
    ])
      assert.equal(bindsLoopback(host), true, host);
  });

  it('is not taken for it when others can reach it, or when nobody knows', () => {
    for (const host of [
      '',
      '*',
      '*4',
      '!6',
      '0.0.0.0',
      '::',
      '192.0.2.1',
      'ws.test',
      'localhost.evil.test',
      '127.0.0.1.evil.test',
      '127.1',
      '::ffff:127.0.0.1',
    ])
      assert.equal(bindsLoopback(host), false, host);
  });
});

describe('A Host header', () => {
  it('has a usual name of this computer, at any port', () => {
    for (const host of ['localhost', 'LOCALHOST:3000', '127.0.0.1', '127.0.0.1:80', '[::1]:3001'])
      assert.equal(isLoopbackHost(host), true, host);
  });

  it('has none when it is missing, unusual, malformed or a name of somebody else’s', () => {
    for (const host of [
      undefined,
      '',
      'gate.localhost',
      '127.0.0.2',
      '::1',
      'localhost:',
      'localhost:123456',
      'localhost.evil.test',
      'evil.test:localhost',
      ' localhost',
    ])
      assert.equal(isLoopbackHost(host), false, host);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jwksUrl } from '#gateway/auth/jwks.js';
import { refuses } from './loading.ts';
import { given } from './signing.ts';

describe('POSTERN_JWKS as a URL', () => {
  it('is one by its scheme, with space around it', () => {
    assert.equal(jwksUrl(' https://issuer.test/keys\n')?.href, 'https://issuer.test/keys');
    for (const text of [undefined, '', '{"keys":[]}']) assert.equal(jwksUrl(text), undefined);
  });

  it('is refused unless it is https, for loopback too: whoever answers lets people in', () => {
    for (const jwks of ['http://issuer.test/keys', 'http://127.0.0.1:1/k', 'file:///hunter2-keys'])
      refuses({ jwks }, /POSTERN_JWKS is a URL but not an https one: give https:/);
    refuses({ jwks: 'https://:hunter2-hunter2' }, /POSTERN_JWKS is not a URL/);
  });

  it('has no keys until it is fetched', () => {
    assert.deepEqual(given({ jwks: 'https://issuer.test/keys' }).keys, []);
  });
});

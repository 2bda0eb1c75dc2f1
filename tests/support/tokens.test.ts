import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { compactVerify, importJWK, importSPKI, jwtVerify } from 'jose';

import { forgeToken, inSeconds, keyPair, SECRET, signToken } from './tokens.ts';

const secret = Buffer.from(SECRET);

describe('The tokens of the tests', () => {
  it('verify by the shared secret', async () => {
    const token = await signToken({ mode: 'rw', exp: inSeconds(60) });
    const { payload } = await jwtVerify(token, secret);
    assert.equal(payload['mode'], 'rw');
  });

  for (const alg of ['RS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    it(`verify by a ${alg} key, as PEM and as JWK`, async () => {
      const { privateKey, pem, jwk } = keyPair(alg, 'one');
      const token = await signToken(
        { mode: 'r' },
        { alg, key: privateKey, header: { kid: 'one' } },
      );
      await jwtVerify(token, await importSPKI(pem, alg));
      const { protectedHeader } = await jwtVerify(token, await importJWK(jwk));
      assert.deepEqual(protectedHeader, { kid: 'one', alg });
    });
  }

  it('are forged with a right signature unless another is given', async () => {
    const payload = '{"exp":1e400}';
    const verified = await compactVerify(forgeToken({ payload }), secret);
    assert.equal(Buffer.from(verified.payload).toString(), payload);

    const forged = forgeToken({ header: { alg: 'none' }, payload, signature: Buffer.alloc(0) });
    assert.match(forged, /^[\w-]+\.[\w-]+\.$/);
    await assert.rejects(compactVerify(forged, secret));
  });
});

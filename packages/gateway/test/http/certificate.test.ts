import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readCertificate } from '#gateway/http/certificate.js';
import { leaf, leafKey } from '../cli/doctor/certificates.ts';
import { privatePem, rsaPair } from '../auth/signing.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-certificate-'));
after(() => rmSync(folder, { recursive: true }));

function read(certificate: string, key: string) {
  const [tlsCertificate, tlsKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(tlsCertificate, certificate);
  writeFileSync(tlsKey, key);
  return readCertificate({ tlsCertificate, tlsKey });
}

describe('readCertificate', () => {
  it('reads what belongs together', () => {
    const found = read(leaf, leafKey);
    assert.deepEqual([String(found?.cert), String(found?.key)], [leaf, leafKey]);
  });

  it('has nothing to read without TLS', () => {
    assert.equal(readCertificate({}), undefined);
  });

  it('throws for a key of another certificate, half a file, and a file that is not there', () => {
    const error = { code: 'POSTERN_CONFIG', message: /POSTERN_TLS_KEY.*belong together/ };
    assert.throws(() => read(leaf, privatePem(rsaPair)), error);
    assert.throws(() => read(leaf.slice(0, leaf.length / 2), leafKey), error);
    assert.throws(() => read('', leafKey), error);
    const absent = join(folder, 'absent');
    assert.throws(() => readCertificate({ tlsCertificate: absent, tlsKey: absent }), error);
  });
});

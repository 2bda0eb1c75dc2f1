import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { after, describe, it } from 'node:test';
import { connect } from 'node:tls';

import { selfSignedCertificate } from '../support/certificate.ts';
import type { Certificate } from '../support/certificate.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { gather, replaceFile, ROTATIONS, serveReady, tokenBy } from '../support/rotation.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

const serveWith = (environment: Readonly<Record<string, string>>) =>
  serveReady(scope, { ...database, environment });

describe('The certificate', () => {
  it('is another one for whoever comes after the change, and who is connected stays', async () => {
    const [old, next] = [selfSignedCertificate(), selfSignedCertificate()];
    const { port, child, certificate, key, count } = await serveTls(old);
    const url = `wss://127.0.0.1:${port}/${await tokenBy({})}`;
    const client = await WsClient.connect(url, { ca: old.certificate });
    scope.after(() => Promise.resolve(client.terminate()));
    assert.equal(await shownAt(port), fingerprint(old.certificate));

    // For a while they do not belong together.
    await replaceFile(certificate, next.certificate);
    await replaceFile(key, next.key);
    await child.line(/"replaced":\["certificate"\],.*"event":"reloaded"/);
    assert.equal(await shownAt(port), fingerprint(next.certificate));
    client.send('still here');
    assert.match(await client.message(), /"payload":"still here"/);

    await replaceFile(key, old.key);
    child.signal('SIGHUP');
    await child.line(/"what":"certificate".*"event":"reload_failed"/);
    assert.equal(await shownAt(port), fingerprint(next.certificate));
    assert.equal(count(/PRIVATE KEY/), 0);
  });

  it('is changed under load, and nobody is cut off', async (test) => {
    const all = Array.from({ length: ROTATIONS + 1 }, () => selfSignedCertificate());
    const [first = selfSignedCertificate(), ...others] = all;
    const { port, child, certificate, key, count } = await serveTls(first);
    const crowd = gather(() => shownAt(port));
    for (const [n, next] of others.entries()) {
      await replaceFile(certificate, next.certificate);
      await replaceFile(key, next.key);
      child.signal('SIGHUP');
      await until('the next', () => count(/"replaced":\["certificate"\]/) === n + 1);
      assert.equal(await shownAt(port), fingerprint(next.certificate));
    }
    const shown = await crowd.leave();
    test.diagnostic(`${ROTATIONS} rotations, ${shown.length} connections meanwhile`);
    const known = new Set(all.map((each) => fingerprint(each.certificate)));
    assert.ok(shown.length > ROTATIONS && shown.every((one) => known.has(one ?? '')));
  });
});

/** `postern serve` with a certificate, and where that lies. */
async function serveTls(first: Certificate) {
  const folder = await scratchFolder(scope);
  const [certificate, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  await writeFile(certificate, first.certificate);
  await writeFile(key, first.key);
  const served = await serveWith({
    POSTERN_TLS_CERTIFICATE: certificate,
    POSTERN_TLS_KEY: key,
  });
  return { ...served, certificate, key };
}

function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

/** What a gateway shows to whoever connects now. */
function shownAt(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

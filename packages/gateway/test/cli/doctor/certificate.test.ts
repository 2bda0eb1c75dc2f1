import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { certificateChecks, RENEW_DAYS } from '#gateway/cli/doctor/certificate.js';
import type { Finding } from '#gateway/cli/doctor/check.js';
import { intermediate, leaf, leafKey, root } from './certificates.ts';
import { configuredBy, isFinding, run } from './grounds.ts';

const DAY_MS = 86_400_000;
const beginMs = Date.parse(new X509Certificate(leaf).validFrom);
const endMs = beginMs + 90 * DAY_MS;
const chain = leaf + intermediate + root;

const folder = mkdtempSync(join(tmpdir(), 'postern-certificate-'));
after(() => rmSync(folder, { recursive: true }));

/** What the check finds in files with these texts, at this time; without a text there is no file. */
async function found(
  t: TestContext,
  { certificate = chain, key = leafKey }: Readonly<Record<string, string>> = {},
  nowMs = beginMs + DAY_MS,
): Promise<Finding> {
  t.mock.timers.enable({ apis: ['Date'], now: nowMs });
  const [certificatePath, keyPath] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  writeFileSync(certificatePath, certificate);
  writeFileSync(keyPath, key);
  return await find(certificatePath, keyPath);
}

function find(certificatePath: string, keyPath: string): Promise<Finding> {
  const ground = configuredBy({
    POSTERN_TLS_CERTIFICATE: certificatePath,
    POSTERN_TLS_KEY: keyPath,
  });
  return run(certificateChecks, 'certificate', ground);
}

const encrypted = createPrivateKey(leafKey)
  .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'hunter2' })
  .toString();
const stray = generateKeyPairSync('ed25519');

describe('The check of the certificate', () => {
  it('has nothing to look at without TLS', async () => {
    isFinding(
      await run(certificateChecks, 'certificate', configuredBy({})),
      'skipped',
      /no TLS of our own/,
    );
  });

  const times: readonly (readonly [string, number, Finding['status'], RegExp, RegExp?])[] = [
    ['a second too early', beginMs - 1_000, 'problem', /^not valid before /, /clock of this/],
    ['at its begin', beginMs, 'ok', /^valid until .*Z, 90 days$/],
    ['while there is time', endMs - RENEW_DAYS * DAY_MS, 'ok', /, 30 days$/],
    ['when it is to be renewed', endMs - RENEW_DAYS * DAY_MS + 1, 'warning', /, 29 days/, /renew/],
    ['on its last day', endMs - 1, 'warning', /, 0 days$/, /renew it/],
    ['at its end', endMs, 'problem', /^expired on .*Z$/, /renew it, and replace the files/],
    ['long after', endMs + 400 * DAY_MS, 'problem', /^expired on /],
  ];
  for (const [when, nowMs, status, text, mend] of times)
    it(`takes it for ${status} ${when}`, async (t) => {
      isFinding(await found(t, {}, nowMs), status, text, mend);
    });

  const noCertificate = /holds no certificate in PEM$/;
  const noKey = /holds no private key in PEM$/;
  const files: Readonly<
    Record<string, readonly [Readonly<Record<string, string>>, RegExp, RegExp]>
  > = {
    'an empty certificate file': [{ certificate: '' }, noCertificate, /with the certificate/],
    'half a certificate': [{ certificate: leaf.slice(0, 200) }, noCertificate, /name the file/],
    'a certificate of something else': [
      { certificate: leaf.replaceAll(/^M.*$/gm, 'AAAA') },
      noCertificate,
      /name the file/,
    ],
    'a key where the certificate should be': [{ certificate: leafKey }, noCertificate, /chain$/],
    'an empty key file': [{ key: '' }, noKey, /with the private key/],
    'an encrypted key': [{ key: encrypted }, noKey, /without a password/],
    'a public key': [
      { key: stray.publicKey.export({ format: 'pem', type: 'spki' }).toString() },
      noKey,
      /private key/,
    ],
    'the key of another certificate': [
      { key: stray.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() },
      /^the key is not that of the certificate$/,
      /name a pair/,
    ],
    'a chain in the wrong order': [
      { certificate: intermediate + leaf },
      /^the key is not that of the certificate$/,
      /name a pair/,
    ],
  };
  for (const [what, [given, text, mend]] of Object.entries(files))
    it(`finds a problem in ${what}`, async (t) => {
      isFinding(await found(t, given), 'problem', text, mend);
    });

  it('finds a problem in files that are not there', async (t) => {
    await found(t);
    const [here, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
    const nowhere = join(folder, 'nowhere.pem');
    isFinding(await find(nowhere, key), 'problem', /POSTERN_TLS_CERTIFICATE is not there/);
    isFinding(await find(here, nowhere), 'problem', /POSTERN_TLS_KEY is not there/);
  });

  it('warns of a chain with a gap, whichever certificate is missing', async (t) => {
    for (const certificate of [leaf, leaf + root, leaf + intermediate]) {
      const finding = await found(t, { certificate });
      isFinding(finding, 'warning', /chain is not complete/, /append the intermediate/);
      t.mock.timers.reset();
    }
    isFinding(await found(t, { certificate: leaf + root + intermediate }), 'ok', /^valid until/);
  });

  it('says of an incomplete chain that is over that it is over', async (t) => {
    isFinding(await found(t, { certificate: leaf }, endMs), 'problem', /^expired/);
  });
});

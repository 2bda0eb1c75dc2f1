import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { ok, problem, skipped, warning } from './check.ts';
import type { Check, Finding } from './check.ts';
import type { Configured } from './ground.ts';

/** Days before its end in which a certificate should have been renewed. */
export const RENEW_DAYS = 30;

const DAY_MS = 86_400_000;
const FILES = 'POSTERN_TLS_CERTIFICATE and POSTERN_TLS_KEY';

/** The certificate that clients are shown. */
export const certificateChecks: readonly Check<Configured>[] = [
  { name: 'certificate', asks: 'the certificate that clients are shown', run: certificate },
];

function certificate({ options: { tlsCertificate, tlsKey } }: Configured): Finding {
  if (tlsCertificate === undefined || tlsKey === undefined) return skipped('no TLS of our own');

  const chain = readChain(tlsCertificate);
  const [leaf] = chain ?? [];
  if (chain === undefined || leaf === undefined)
    return problem(
      'the file of POSTERN_TLS_CERTIFICATE is not there, or holds no certificate in PEM',
      'name the file with the certificate and its chain',
    );
  const matches = keyMatches(leaf, tlsKey);
  if (matches === undefined)
    return problem(
      'the file of POSTERN_TLS_KEY is not there, or holds no private key in PEM',
      'name the file with the private key, without a password',
    );
  if (!matches)
    return problem('the key is not that of the certificate', `let ${FILES} name a pair`);

  const life = lifeOf(leaf);
  if (life.status !== 'ok' || isComplete(chain)) return life;
  return warning(
    'the chain is not complete: an intermediate certificate is missing, and not every client finds it',
    'append the intermediate certificates to the file of POSTERN_TLS_CERTIFICATE',
  );
}

function readChain(path: string): readonly X509Certificate[] | undefined {
  try {
    const blocks = readFileSync(path, 'utf8').match(
      /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g,
    );
    return (blocks ?? []).map((block) => new X509Certificate(block));
  } catch {
    // Not there or not readable: what is expected says both.
    return undefined;
  }
}

function keyMatches(leaf: X509Certificate, path: string): boolean | undefined {
  try {
    return leaf.checkPrivateKey(createPrivateKey(readFileSync(path)));
  } catch {
    return undefined;
  }
}

function lifeOf({ validFrom, validTo }: X509Certificate): Finding {
  const mend = `renew it, and replace the files of ${FILES}`;
  const end = new Date(validTo);
  if (Date.parse(validFrom) > Date.now())
    return problem(
      `not valid before ${validFrom}`,
      'see whether the clock of this machine is right',
    );
  const days = Math.floor((end.getTime() - Date.now()) / DAY_MS);
  if (end.getTime() <= Date.now()) return problem(`expired on ${end.toISOString()}`, mend);
  const found = `valid until ${end.toISOString()}, ${days} days`;
  return days < RENEW_DAYS ? warning(found, mend) : ok(found);
}

/** Whether each certificate is vouched for by the next, up to one that clients know or that has signed itself. */
function isComplete(chain: readonly X509Certificate[]): boolean {
  let current = chain[0];
  for (let steps = 0; current !== undefined && steps <= chain.length; steps++) {
    const child: X509Certificate = current;
    if (child.checkIssued(child)) return true;
    const next = chain.find((other) => other !== child && child.checkIssued(other));
    if (next === undefined) return isIssuedByRoot(child);
    current = next;
  }
  return false;
}

function isIssuedByRoot(certificate: X509Certificate): boolean {
  return rootCertificates.some((root) => certificate.checkIssued(new X509Certificate(root)));
}

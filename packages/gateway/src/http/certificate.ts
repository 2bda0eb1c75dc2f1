import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { GatewayError } from '../errors.ts';

/** Paths of PEM files; both or none. */
export interface CertificateFiles {
  readonly tlsCertificate?: string | undefined;
  readonly tlsKey?: string | undefined;
}

/** What TLS needs to name the gateway. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads a certificate; undefined: there is none. Throws `POSTERN_CONFIG` when it cannot be used. */
export function readCertificate({
  tlsCertificate,
  tlsKey,
}: CertificateFiles): Certificate | undefined {
  if (tlsCertificate === undefined || tlsKey === undefined) return undefined;
  try {
    const certificate = { cert: readFileSync(tlsCertificate), key: readFileSync(tlsKey) };
    // It would throw where it is used first, which may be after others were told of it.
    createSecureContext(certificate);
    // OpenSSL keeps a key of each kind, and compares none with a certificate of another kind.
    const isItsKey = new X509Certificate(certificate.cert).checkPrivateKey(
      createPrivateKey(certificate.key),
    );
    if (!isItsKey) throw new Error('the key is not that of the certificate');
    return certificate;
  } catch (cause) {
    throw new GatewayError('POSTERN_CONFIG', {
      cause,
      detail:
        'POSTERN_TLS_CERTIFICATE and POSTERN_TLS_KEY must be readable PEM files that belong together',
    });
  }
}

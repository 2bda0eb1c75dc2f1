import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A certificate for 127.0.0.1 that has signed itself, with its private key, both as PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** The DER tags that a certificate is made of (X.690 §8). */
const tags = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x17,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
  context3: 0xa3,
  ipAddress: 0x87,
} as const;

/** Object identifiers, already encoded. */
const oids = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAltName: '551d11',
} as const;

const DAY_MS = 86_400_000;

/** When a certificate counts: from and until so many days from now. */
export interface Validity {
  readonly fromDays: number;
  readonly toDays: number;
}

/** Makes a certificate that is valid for a day (RFC 5280 §4.1), unless said: no fixture can run out. */
export function selfSignedCertificate(
  { fromDays, toDays }: Validity = { fromDays: -1, toDays: 1 },
): Certificate {
  // Browsers speak no Ed25519.
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(tags.sequence, oid('ecdsaWithSha256'));
  // Of two by one name, who trusts both would take the first for either.
  const text = Buffer.from(`postern ${randomBytes(8).toString('hex')}`);
  const commonName = der(tags.sequence, oid('commonName'), der(tags.utf8, text));
  const name = der(tags.sequence, der(tags.set, commonName));

  const contents = der(
    tags.sequence,
    der(tags.context0, der(tags.integer, Buffer.from([2]))),
    // The leading byte keeps the number positive.
    der(tags.integer, Buffer.from([1]), randomBytes(15)),
    algorithm,
    name,
    der(tags.sequence, time(Date.now() + fromDays * DAY_MS), time(Date.now() + toDays * DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(tags.context3, der(tags.sequence, alternativeName())),
  );
  const signature = der(tags.bits, Buffer.from([0]), sign('sha256', contents, privateKey));
  return {
    certificate: pem(der(tags.sequence, contents, algorithm, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function alternativeName(): Buffer {
  const names = der(tags.sequence, der(tags.ipAddress, Buffer.from([127, 0, 0, 1])));
  return der(tags.sequence, oid('subjectAltName'), der(tags.octets, names));
}

function oid(name: keyof typeof oids): Buffer {
  return der(tags.oid, Buffer.from(oids[name], 'hex'));
}

/** `YYMMDDHHMMSSZ`. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/\D/g, '').slice(2, 14);
  return der(tags.time, Buffer.from(`${digits}Z`));
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const contents = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(contents.length)]), contents]);
}

/** The shortest form, as DER demands: browsers refuse a longer one (X.690 §10.1). */
function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

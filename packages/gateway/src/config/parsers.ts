import { isIP } from 'node:net';
import * as z from 'zod';
import { readCloseCodes } from './close-codes.ts';
import { Secret } from './secret.ts';
import { parseSecrets, SigningSecrets } from './signing-secrets.ts';

/**
 * The parsers that options are made of. Each takes text, as the environment and flags give it, and
 * the typed value, as a configuration file or an embedding program gives it. Their messages say what
 * was expected and never what was found: it may be a secret.
 */

const words: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
};

/** `true` or `false`, in any case. */
export const flag = z.preprocess(
  (value) => (typeof value === 'string' ? words[value.trim().toLowerCase()] : value),
  z.boolean('expected true or false'),
);

/** Any text but the empty one. */
export const text = z.string('expected a text').min(1, 'expected a text that is not empty');

/** Text that must not be shown. */
export const secret = z
  .union([z.instanceof(Secret), text], 'expected a text that is not empty')
  .transform((value) => (value instanceof Secret ? value : new Secret(value)));

/** What is sent as `Authorization: Bearer`, long enough not to be guessed. */
export const bearer = secret.refine(
  (value) => /^[\x21-\x7e]{16,}$/.test(value.reveal()),
  'expected 16 visible ASCII characters or more',
);

/** Secrets with names, for tokens of the gateway's own. */
export const secrets = z.preprocess(
  (value) => (typeof value === 'string' ? (parseSecrets(value) ?? value) : value),
  z.instanceof(SigningSecrets, {
    error:
      'expected kid:base64, separated by commas: each kid once, 1 to 32 letters, digits, - or _; each secret 32 bytes or more',
  }),
);

/** Close codes in place of those of the failure table. */
export const closeCodes = z
  .union([text, z.record(z.string(), z.unknown())], 'expected name=code, separated by commas')
  .transform((given, context) => {
    const { codes, problems } = readCloseCodes(given);
    for (const message of problems) context.addIssue({ code: 'custom', message });
    return codes;
  });

/** Whole number within bounds. */
export function whole(minimum: number, maximum = Number.MAX_SAFE_INTEGER) {
  return numeric(z.int(`expected a whole number`), minimum, maximum);
}

/** Number within bounds, a fraction allowed. */
export function number(minimum: number, maximum = Number.MAX_SAFE_INTEGER) {
  return numeric(z.number('expected a number'), minimum, maximum);
}

function numeric(schema: z.ZodInt | z.ZodNumber, minimum: number, maximum: number) {
  const bounds =
    maximum === Number.MAX_SAFE_INTEGER ? `${minimum} or more` : `${minimum} to ${maximum}`;
  return z.preprocess(
    // Number('') is 0: an empty variable must not switch a limit off.
    (value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value),
    schema.min(minimum, `expected ${bounds}`).max(maximum, `expected ${bounds}`),
  );
}

/** A port, or the word for none. */
export const portOrOff = z.union(
  [z.literal('off'), whole(0, 65_535)],
  'expected off, or a port: 0 to 65535',
);

/** Texts separated by commas, or an array of texts. */
export const list = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== '')
      : value,
  z.array(text, 'expected texts, separated by commas').readonly(),
);

/** Exact origins (RFC 6454 §6.2), custom schemes included. No pattern and no `null`. */
export const origins = list.refine(
  (items) => items.every(isOrigin),
  'expected exact origins such as https://app.example.com: no path, no trailing slash, no wildcard, not null',
);

/** Where browsers find the gateway: a base that paths are put behind. */
export const publicUrl = text.refine(
  isPublicUrl,
  'expected a URL such as https://app.example.com: http or https, without user, query and fragment',
);

function isPublicUrl(url: string): boolean {
  if (!URL.canParse(url) || /[?#\s]/.test(url)) return false;
  const { protocol, username, password } = new URL(url);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

function isOrigin(origin: string): boolean {
  if (origin.includes('*') || !URL.canParse(origin)) return false;
  // Of a custom scheme (`app://x`) URL knows no origin, but it does know scheme and host.
  const { protocol, host } = new URL(origin);
  return `${protocol}//${host}` === origin;
}

/** A host as the Host header names one, with or without a port; or `*`, for any. */
const NAMED_HOST = /^(?:\[[\d.:a-f]+\]|[\w-]+(?:\.[\w-]+)*)\.?(?::\d{1,5})?$/i;

/** Names by which the gateway is reached. */
export const hosts = list.refine(
  (items) =>
    items.every(
      (item) => item === '*' || (NAMED_HOST.test(item) && URL.canParse(`http://${item}`)),
    ),
  'expected hosts such as ws.example.com, ws.example.com:8443 or [::1]: no scheme, no path; or *',
);

/** IP addresses and blocks of them. Not everybody: who trusts all lets each client name its own address. */
export const networks = list.refine(
  (items) => items.every(isNetwork),
  'expected IP addresses or CIDR blocks such as 10.0.0.0/8, fd00::/8 or ::1, and none with the prefix 0',
);

function isNetwork(item: string): boolean {
  const [address = '', prefix, ...rest] = item.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/** The name of a cookie (RFC 6265 §4.1.1). */
export const cookieName = text.regex(
  /^[\w!#$%&'*+\-.^`|~]+$/,
  'expected the name of a cookie: letters, digits, and marks such as - and _',
);

/** A URL to be asked. A password in it would be sent along, for whoever is asked about. */
export const webUrl = text.refine(
  isWebUrl,
  'expected an http or https URL without user and password',
);

function isWebUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

/** One of a few words. */
export function oneOf<const Word extends string>(choices: readonly Word[]) {
  return z.enum(choices, `expected one of: ${choices.join(', ')}`);
}

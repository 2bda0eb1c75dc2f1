import { isIP } from 'node:net';
import { readCloseCodes } from './close-codes.ts';
import { expected, parser } from './parser.ts';
import type { Parser } from './parser.ts';
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
export const flag = parser((given) => {
  const value = typeof given === 'string' ? words[given.trim().toLowerCase()] : given;
  return typeof value === 'boolean' ? { value } : expected('true or false');
});

/** Any text but the empty one. */
export const text = parser((given) => {
  if (typeof given !== 'string') return expected('a text');
  return given === '' ? expected('a text that is not empty') : { value: given };
});

/** Text that must not be shown. */
export const secret = parser((given) => {
  if (given instanceof Secret) return { value: given };
  return isText(given) ? { value: new Secret(given) } : expected('a text that is not empty');
});

/** What is sent as `Authorization: Bearer`, long enough not to be guessed. */
export const bearer = secret.refine(
  (value) => /^[\x21-\x7e]{16,}$/.test(value.reveal()),
  '16 visible ASCII characters or more',
);

/** Secrets with names, for tokens of the gateway's own. */
export const secrets = parser((given) => {
  const value = typeof given === 'string' ? parseSecrets(given) : given;
  return value instanceof SigningSecrets
    ? { value }
    : expected(
        'kid:base64, separated by commas: each kid once, 1 to 32 letters, digits, - or _; each secret 32 bytes or more',
      );
});

/** Close codes in place of those of the failure table. */
export const closeCodes = parser((given) => {
  const named = isText(given) ? given : membersOf(given);
  if (named === undefined) return expected('name=code, separated by commas');
  const { codes, problems } = readCloseCodes(named);
  return problems.length > 0 ? { problems } : { value: codes };
});

function isText(given: unknown): given is string {
  return typeof given === 'string' && given !== '';
}

function membersOf(given: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof given === 'object' && given !== null && !Array.isArray(given)
    ? { ...given }
    : undefined;
}

/** Whole number within bounds. */
export function whole(minimum: number, maximum?: number) {
  return numeric(Number.isSafeInteger, 'a whole number').refine(...between(minimum, maximum));
}

/** Number within bounds, a fraction allowed. */
export function number(minimum: number, maximum?: number) {
  return numeric(Number.isFinite, 'a number').refine(...between(minimum, maximum));
}

function numeric(isOne: (value: unknown) => boolean, what: string) {
  return parser((given) => {
    // Number('') is 0: an empty variable must not switch a limit off.
    const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
    return typeof value === 'number' && isOne(value) ? { value } : expected(what);
  });
}

function between(minimum: number, maximum = Number.MAX_SAFE_INTEGER) {
  const bounds =
    maximum === Number.MAX_SAFE_INTEGER ? `${minimum} or more` : `${minimum} to ${maximum}`;
  return [(value: number) => value >= minimum && value <= maximum, bounds] as const;
}

const port = whole(0, 65_535);

/** A port, or the word for none. */
export const portOrOff = parser<number | 'off'>((given) => {
  if (given === 'off') return { value: given };
  const parsed = port.parse(given);
  return 'value' in parsed ? parsed : expected('off, or a port: 0 to 65535');
});

/** Texts separated by commas, or an array of texts. */
export const list = parser<readonly string[]>((given) => {
  const items: unknown = typeof given === 'string' ? textsIn(given) : given;
  return Array.isArray(items) && items.every(isText)
    ? { value: Object.freeze([...items]) }
    : expected('texts, separated by commas');
});

function textsIn(commas: string): readonly string[] {
  return commas
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Exact origins (RFC 6454 §6.2), custom schemes included. No pattern and no `null`. */
export const origins = list.refine(
  (items) => items.every(isOrigin),
  'exact origins such as https://app.example.com: no path, no trailing slash, no wildcard, not null',
);

/** Where browsers find the gateway: a base that paths are put behind. */
export const publicUrl = text.refine(
  isPublicUrl,
  'a URL such as https://app.example.com: http or https, without user, query and fragment',
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
  'hosts such as ws.example.com, ws.example.com:8443 or [::1]: no scheme, no path; or *',
);

/** IP addresses and blocks of them. Not everybody: who trusts all lets each client name its own address. */
export const networks = list.refine(
  (items) => items.every(isNetwork),
  'IP addresses or CIDR blocks such as 10.0.0.0/8, fd00::/8 or ::1, and none with the prefix 0',
);

function isNetwork(item: string): boolean {
  const [address = '', prefix, ...rest] = item.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/** The name of a cookie (RFC 6265 §4.1.1). */
export const cookieName = text.refine(
  (name) => /^[\w!#$%&'*+\-.^`|~]+$/.test(name),
  'the name of a cookie: letters, digits, and marks such as - and _',
);

/** A URL to be asked. A password in it would be sent along, for whoever is asked about. */
export const webUrl = text.refine(isWebUrl, 'an http or https URL without user and password');

function isWebUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

/** One of a few words. */
export function oneOf<const Word extends string>(choices: readonly Word[]): Parser<Word> {
  return parser((given) => {
    const value = choices.find((choice) => choice === given);
    return value === undefined ? expected(`one of: ${choices.join(', ')}`) : { value };
  });
}

import { inspect } from 'node:util';
import { MASK } from './secret.ts';

/** A secret and the name that tokens know it by. */
export interface NamedSecret {
  readonly kid: string;
  readonly secret: Buffer;
}

const SHORTEST_SECRET_BYTES = 32;
const NAMED = /^(?<kid>[\w-]{1,32}):(?<base64>[\w+/-]+)={0,2}$/;

/** The secrets that tickets are signed with: at least one. They cannot be printed by accident. */
export class SigningSecrets {
  readonly #secrets: readonly NamedSecret[];

  constructor(secrets: readonly NamedSecret[]) {
    this.#secrets = secrets;
  }

  /** The only way in: search for `.reveal(` to audit every use. */
  reveal(): readonly NamedSecret[] {
    return this.#secrets;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

/**
 * Reads `kid:base64,…`, the alphabet of base64url included. `undefined` when one of them is anything
 * else, too short, or has the name of another.
 */
export function parseSecrets(text: string): SigningSecrets | undefined {
  const secrets = text.split(',').map((item) => parseSecret(item.trim()));
  const isWhole = (secret: NamedSecret | undefined) => secret !== undefined;
  if (!secrets.every(isWhole)) return undefined;

  const kids = new Set(secrets.map(({ kid }) => kid));
  return kids.size === secrets.length ? new SigningSecrets(secrets) : undefined;
}

function parseSecret(item: string): NamedSecret | undefined {
  const { kid, base64 } = NAMED.exec(item)?.groups ?? {};
  if (kid === undefined || base64 === undefined) return undefined;
  // Node reads both alphabets; a lone last character stands for no byte, and something was cut off.
  const secret = Buffer.from(base64, 'base64');
  return base64.length % 4 === 1 || secret.length < SHORTEST_SECRET_BYTES
    ? undefined
    : { kid, secret };
}

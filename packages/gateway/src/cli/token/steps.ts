import type { ClaimRules } from '../../auth/claims.ts';
import { own } from '../../auth/decode.ts';
import type { VerificationKey } from '../../auth/keys.ts';
import type { tokenProblems } from '../../auth/problems.ts';
import type { Token } from '../../auth/token.ts';
import { candidates } from '../../auth/verify.ts';

/** What a step can go by. */
export interface Subject {
  readonly token: Token;
  /** `undefined`: none are configured. */
  readonly keys: readonly VerificationKey[] | undefined;
  readonly rules: ClaimRules;
  readonly channel: string | undefined;
  readonly nowSeconds: number;
}

export type StepName = (typeof steps)[number]['name'];

interface Step {
  readonly name: string;
  /** What there is to see at this step, whether it holds or not. */
  readonly found: (subject: Subject) => string;
}

/** What is looked at, in the order in which the gate does: the first that fails decides. */
export const steps = [
  { name: 'form', found: () => 'three parts in base64url, header and payload are JSON objects' },
  { name: 'header', found: headerFound },
  { name: 'key', found: keyFound },
  { name: 'signature', found: ({ token }) => `by ${token.algorithm}` },
  { name: 'claims', found: ({ token }) => `there are: ${Object.keys(token.claims).join(', ')}` },
  {
    name: 'exp',
    found: (subject) => `${dateFound(subject, 'exp')}${leeway(subject.rules.expLeewaySeconds)}`,
  },
  {
    name: 'nbf',
    found: (subject) => `${dateFound(subject, 'nbf')}${leeway(subject.rules.clockLeewaySeconds)}`,
  },
  {
    name: 'iat',
    found: (subject) => `${dateFound(subject, 'iat')}${leeway(subject.rules.clockLeewaySeconds)}`,
  },
  { name: 'iss', found: ({ token, rules }) => listFound(own(token.claims, 'iss'), rules.issuers) },
  {
    name: 'aud',
    found: ({ token, rules }) => listFound(own(token.claims, 'aud'), rules.audiences),
  },
  { name: 'typ', found: ({ token, rules }) => listFound(token.type, rules.types) },
  { name: 'required', found: requiredFound },
  { name: 'mode', found: ({ token }) => shown(own(token.claims, 'mode')) },
  { name: 'channels', found: channelsFound },
] as const satisfies readonly Step[];

/** The step that each problem belongs to. */
export const stepOf = {
  notThreeParts: 'form',
  notBase64url: 'form',
  malformedHeader: 'form',
  malformedPayload: 'form',
  deepPayload: 'form',
  criticalHeader: 'header',
  unsigned: 'header',
  badSignature: 'signature',
  keysUnavailable: 'key',
  malformedExp: 'claims',
  malformedNbf: 'claims',
  malformedIat: 'claims',
  absurdExp: 'claims',
  malformedAud: 'claims',
  missingExp: 'exp',
  expired: 'exp',
  notYetValid: 'nbf',
  issuedInFuture: 'iat',
  wrongIssuer: 'iss',
  wrongAudience: 'aud',
  wrongType: 'typ',
  missingClaim: 'required',
  missingMode: 'mode',
  noChannels: 'channels',
} as const satisfies Readonly<Record<keyof typeof tokenProblems, StepName>>;

function headerFound({ token: { algorithm, keyId, type } }: Subject): string {
  return `alg ${algorithm}, kid ${keyId ?? 'none'}, typ ${type ?? 'none'}`;
}

function keyFound({ token, keys }: Subject): string {
  if (keys === undefined) return 'no keys configured';
  if (keys.length === 0) return 'there is no key: the set that has them did not come';
  const fitting = candidates(keys, token).length;
  if (fitting > 0) return `${fitting} of ${keys.length} configured keys may have signed it`;

  const capable = keys.filter(({ algorithms }) => algorithms.includes(token.algorithm));
  if (capable.length > 0) {
    const names = capable.map(({ kid }) => kid).join(', ');
    return `no key with this kid is configured for ${token.algorithm}; those there are: ${names}`;
  }
  const algorithms = new Set(keys.flatMap((key) => key.algorithms));
  return `no configured key verifies ${token.algorithm}; they verify ${[...algorithms].join(', ')}`;
}

function dateFound({ token, nowSeconds }: Subject, name: string): string {
  const value = own(token.claims, name);
  if (typeof value !== 'number') return shown(value);
  const date = new Date(value * 1000);
  const said = Number.isNaN(date.getTime()) ? 'no date' : date.toISOString();
  const seconds = Math.round(Math.abs(value - nowSeconds));
  return `${value} (${said}), ${seconds} s ${value > nowSeconds ? 'ahead' : 'ago'}`;
}

function leeway(seconds: number): string {
  return `; leeway ${seconds} s`;
}

function listFound(value: unknown, accepted: readonly string[]): string {
  const expected =
    accepted.length === 0 ? 'not checked' : `one of ${accepted.join(', ')} is asked for`;
  return `${shown(value)}; ${expected}`;
}

function requiredFound({ token, rules }: Subject): string {
  const names = rules.requireClaims;
  if (names.length === 0) return 'none';
  const isThere = (name: string): boolean => {
    const value = own(token.claims, name);
    return value !== undefined && value !== null && value !== '';
  };
  return names.map((name) => `${name}${isThere(name) ? '' : ' (missing)'}`).join(', ');
}

function channelsFound({ token, channel }: Subject): string {
  const named = ['channel', 'channels']
    .filter((name) => Object.hasOwn(token.claims, name))
    .map((name) => `${name} ${shown(own(token.claims, name))}`);
  const said = named.length === 0 ? 'the token names none' : named.join(', ');
  return channel === undefined ? said : `${said}; asked for ${JSON.stringify(channel)}`;
}

function shown(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}

import type { FailureName } from '@postern/client/protocol';
import type { EndingLabel, RefusalLabel } from './labels.ts';

/** What became of somebody whom the gate did not let in, or sent away. */
export type AuditOutcome = 'refused' | 'expired' | 'forbidden' | 'limited';

/**
 * The failures that whoever watches over security wants to know of. The others are the network's, the
 * operator's, or a client's that left by itself.
 */
const outcomes: Readonly<Record<FailureName, AuditOutcome | undefined>> = {
  normal: undefined,
  goingAway: undefined,
  protocolError: undefined,
  invalidText: undefined,
  internal: undefined,
  restart: undefined,
  disconnected: undefined,
  backendUnavailable: undefined,

  tokenInvalid: 'refused',
  notYetValid: 'refused',
  badHandshake: 'refused',
  badMessage: 'refused',
  binaryUnsupported: 'refused',
  bindingMismatch: 'refused',
  identityChanged: 'refused',
  contentTooLarge: 'refused',
  preflightRequired: 'refused',
  replayed: 'refused',
  revoked: 'refused',
  timeout: 'refused',
  tlsRequired: 'refused',
  unauthorized: 'refused',
  unsupportedMediaType: 'refused',
  notFound: 'refused',
  methodNotAllowed: 'refused',
  upgradeRequired: 'refused',

  tokenExpired: 'expired',
  tooOld: 'expired',

  forbidden: 'forbidden',
  originDenied: 'forbidden',
  originMissing: 'forbidden',
  fetchDenied: 'forbidden',
  hostDenied: 'forbidden',

  messageTooBig: 'limited',
  tooManyFragments: 'limited',
  slowConsumer: 'limited',
  rateLimited: 'limited',
  connectionLimit: 'limited',
  overload: 'limited',
};

const outcomeOf = new Map<string, AuditOutcome | undefined>(Object.entries(outcomes));

/** What makes an event an audit line, which is written whatever the level of the log. */
interface AuditMark {
  readonly audit?: true;
  readonly outcome?: AuditOutcome;
}

/** The mark that an event of the gateway's doing has for a failure; nothing for most. */
export function auditMark(failure: RefusalLabel | EndingLabel): AuditMark {
  const outcome = outcomeOf.get(failure);
  return outcome === undefined ? {} : { audit: true, outcome };
}

/** Longest name of a user that is written, in characters: a token may hold any. */
const LONGEST_USER = 128;

/**
 * The user that claims name, to be written into a log: `sub`, shortened and {@link legible}. Only for
 * claims whose signature holds.
 */
export function userOf(claims: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const subject = claims !== undefined && Object.hasOwn(claims, 'sub') ? claims['sub'] : undefined;
  if (typeof subject !== 'string') return undefined;
  return Array.from(legible(subject)).slice(0, LONGEST_USER).join('');
}

/** A text of somebody's, without what could pass for another line or turn its letters round. */
export function legible(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}

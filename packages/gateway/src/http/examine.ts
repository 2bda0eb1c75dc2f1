import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { failures } from '@postern/client/protocol';
import type { Claims } from '../auth/verify.ts';
import type { RawVisitor, V1Visitor } from '../session/admission.ts';
import { isAuthorized } from './authorize.ts';
import type { Applicant, Authorize } from './authorize.ts';
import { malformed } from './handshake.ts';
import type { Health } from './health.ts';
import type { HostCheck } from './host.ts';
import type { Log } from '../observe/log.ts';
import type { LateRefusal, Refusal } from './refuse.ts';
import type { Turnstile } from './turnstile.ts';

/** Somebody at the door. */
export interface Knock {
  readonly request: IncomingMessage;
  readonly stream: Duplex;
  /** Below that of the gateway. */
  readonly path: string;
  /** Whose request it is, behind proxies too. */
  readonly address: string;
}

/** What becomes of one: it may enter, or may not, or has yet to say who it is, by a first message. */
export type Outcome =
  | RawVisitor
  | V1Visitor
  | Refusal
  | { readonly late: LateRefusal }
  | { readonly identify: Identify };

/** Whether a token that came in the first message lets somebody in. */
export type Identify = (token: string) => Promise<V1Visitor | LateRefusal>;

/** What every handshake is held against, whichever protocol it is for. */
export interface Guard {
  readonly health: () => Health;
  readonly hostAllowed: HostCheck;
  readonly turnstile: Turnstile;
  /** Whether what has these claims was revoked. */
  readonly isRevoked: (claims: Claims) => boolean;
  /** The embedding program's word on each visitor; undefined: it has none. */
  readonly authorize: Authorize | undefined;
  readonly log: Log;
}

/** The guards of one protocol, after those that both have. */
export type Examine = (knock: Knock) => Promise<Outcome>;

/** Paths of the gateway's own: no channel and no token. */
const FIXED_ROUTES = new Set(['/preauth', '/sse', '/healthz', '/readyz']);

/** Builds the guards of the door. Cheap checks come first, cryptography late, waiting last. */
export function createExamination(
  guard: Guard,
  protocols: { readonly raw: Examine | undefined; readonly v1: Examine },
): Examine {
  return async (knock) => {
    const { request, path } = knock;
    const refusal = malformed(request) ?? shut(guard);
    if (refusal !== undefined) return refusal;
    if (!guard.hostAllowed(request.headers.host)) return { failure: failures.hostDenied };

    const examine = path === '/ws' ? protocols.v1 : protocols.raw;
    if (examine === undefined || FIXED_ROUTES.has(path)) return { failure: failures.notFound };
    return examine(knock);
  };
}

/** Whether nobody may enter just now. */
export function shut({ health }: Pick<Guard, 'health'>): LateRefusal | undefined {
  const { database, draining } = health();
  if (draining) return { failure: failures.goingAway };
  return database === 'up' ? undefined : { failure: failures.backendUnavailable };
}

/**
 * What the embedding program has against somebody: then it is `denied`. A fault of the program's own
 * counts as no.
 */
export async function turnedDown<Denied extends LateRefusal>(
  applicant: Applicant,
  { authorize, log }: Guard,
  denied: Denied,
): Promise<LateRefusal | undefined> {
  if (authorize === undefined) return undefined;
  try {
    return (await isAuthorized(authorize, applicant)) ? undefined : denied;
  } catch (error) {
    log('authorize_failed', { error });
    return { failure: failures.internal, claims: applicant.claims };
  }
}

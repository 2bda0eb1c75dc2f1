import type { IncomingMessage } from 'node:http';
import type { Grant } from '../auth/grant.ts';
import type { Claims } from '../auth/verify.ts';
import { inTime } from './in-time.ts';

/** Somebody whose token holds, as an embedding program is asked about it. */
export interface Applicant extends Grant {
  /** The handshake. Its URL holds the token: nothing to write down. */
  readonly request: IncomingMessage;
  readonly claims: Claims;
}

/** An embedding program's own word on who may enter: whatever is not `true` refuses. */
export type Authorize = (applicant: Applicant) => boolean | Promise<boolean>;

/**
 * Asks the program. Rejects with what it throws, or when it has not answered in time. It gets copies:
 * whatever it does to them, it cannot widen a grant.
 */
export async function isAuthorized(
  authorize: Authorize,
  { request, ...rest }: Applicant,
): Promise<boolean> {
  return (await inTime(() => authorize({ request, ...structuredClone(rest) }))) === true;
}

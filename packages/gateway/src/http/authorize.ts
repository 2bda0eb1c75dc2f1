import type { IncomingMessage } from 'node:http';
import type { Grant } from '../auth/grant.ts';
import type { Claims } from '../auth/verify.ts';

/** Somebody whose token holds, as an embedding program is asked about it. */
export interface Applicant extends Grant {
  /** The handshake. Its URL holds the token: nothing to write down. */
  readonly request: IncomingMessage;
  readonly claims: Claims;
}

/** An embedding program's own word on who may enter: whatever is not `true` refuses. */
export type Authorize = (applicant: Applicant) => boolean | Promise<boolean>;

/** How long a program may think about it. Its client waits as long. */
const ANSWER_MS = 5_000;

/**
 * Asks the program. Rejects with what it throws, or when it has not answered in time. It gets copies:
 * whatever it does to them, it cannot widen a grant.
 */
export async function isAuthorized(
  authorize: Authorize,
  { request, ...rest }: Applicant,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer within 5 s')), ANSWER_MS).unref();
  });
  try {
    return (await Promise.race([authorize({ request, ...structuredClone(rest) }), late])) === true;
  } finally {
    clearTimeout(timer);
  }
}

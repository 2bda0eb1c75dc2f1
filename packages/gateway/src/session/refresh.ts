import type { AuthCommand } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import { common } from '../auth/scopes.ts';
import type { Claims } from '../auth/verify.ts';
import { auditMark, userOf } from '../observe/audit.ts';
import { endingLabel } from '../observe/labels.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import type { V1Visitor } from './admission.ts';
import type { Denial } from './auth-wait.ts';
import type { Clock } from './deadline.ts';
import type { Talk } from './protocol.ts';
import { errorReply, send } from './reply.ts';
import type { Session } from './session.ts';
import type { Shown } from './standing.ts';
import type { V1Grant } from './v1.ts';

/**
 * Decides about the token by which a session would go on. `identityChanged`: it is good, and somebody
 * else's. It must look once more, last of all, whether what it found still holds: between its answer and
 * the session nothing else is asked.
 */
export type Refresh = (
  session: { readonly id: string; readonly claims: Claims },
  token: string,
) => Promise<Shown<V1Grant> | Denial>;

/** What refreshing takes. */
export interface RefreshParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meters: Meters;
  /** Whether a session may be given channels by a refresh that it did not have. */
  readonly refreshMayWiden: boolean;
}

/** Whoever is to know that the session goes on by another token. */
export interface Renewed {
  /** Called behind the reply. */
  renewed(): void;
}

/** A session is refreshed no more often: whoever holds a token could have keys looked up all the time. */
const AT_MOST_EVERY_MS = 10_000;

const TOO_SOON = 'One refresh at a time, and 10 s from one to the next';
const NO_LATER = 'The token ends no later than the one before';

/** Has one session go on by the tokens that its client sends, and answers each. */
export class Refreshing {
  readonly #session: Session<V1Grant>;
  readonly #refresh: Refresh;
  readonly #renew: Talk<V1Visitor>['renew'];
  readonly #parts: RefreshParts;
  readonly #renewed: Renewed;
  #isBusy = false;
  #lastMs = -Infinity;

  constructor({ session, visitor, renew }: Talk<V1Visitor>, parts: RefreshParts, renewed: Renewed) {
    this.#session = session;
    this.#refresh = visitor.refresh;
    this.#renew = renew;
    this.#parts = parts;
    this.#renewed = renewed;
  }

  /** Takes a token. A refresh that fails changes nothing. Never rejects. */
  async take({ id, token }: AuthCommand): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#isBusy || nowMs - this.#lastMs < AT_MOST_EVERY_MS) {
      this.#deny(id, { failure: failures.rateLimited, text: TOO_SOON });
      return;
    }
    this.#isBusy = true;
    this.#lastMs = nowMs;
    const answer = await this.#ask(token);
    this.#isBusy = false;
    // Whoever expired, was revoked or left while the token was looked at stays out.
    if (!this.#session.isOpen) return;
    const denial = 'failure' in answer ? answer : this.#apply(id, answer);
    if (denial !== undefined) this.#deny(id, denial);
  }

  async #ask(token: string): Promise<Shown<V1Grant> | Denial> {
    try {
      return await this.#refresh(this.#session, token);
    } catch (error) {
      this.#parts.log('refresh_failed', { session: this.#session.id, error });
      return { failure: failures.internal };
    }
  }

  /** What speaks against a good token; undefined: nothing, and the session goes on by it. */
  #apply(id: number, shown: Shown<V1Grant>): Denial | undefined {
    const session = this.#session;
    const { claims } = shown;
    const grant = this.#parts.refreshMayWiden
      ? shown.grant
      : common(shown.grant.entries, session.grant.entries);
    const channels = Object.keys(grant.entries).length;
    if (channels === 0) return { failure: failures.forbidden, code: 'scope_denied', claims };
    if (!this.#renew({ ...shown, grant }))
      return { failure: failures.tokenExpired, text: NO_LATER, claims };

    const { log, meters } = this.#parts;
    meters.counter('sessionsRefreshed').add();
    log('session_refreshed', { session: session.id, user: userOf(claims), channels });
    const { expiresAt } = session;
    const until = expiresAt === undefined ? {} : { expiresAt };
    send(session, { type: 'ok', id, ...until, channels: grant.entries });
    this.#renewed.renewed();
    return undefined;
  }

  #deny(id: number, { failure, code = failure.code, text, claims }: Denial): void {
    const { log, meters } = this.#parts;
    const session = this.#session;
    const label = endingLabel(failure);
    meters.counter('refreshesRefused', { failure: label }).add();
    // Whoever asks too often would fill the log as well.
    if (failure !== failures.rateLimited) {
      const user = userOf(claims ?? session.claims);
      const why = { failure: label, code, why: text };
      log('refresh_refused', { ...auditMark(label), session: session.id, user, ...why });
    }
    if (failure === failures.identityChanged) session.end(failure);
    else send(session, errorReply(id, failure, { code, message: text }));
  }
}

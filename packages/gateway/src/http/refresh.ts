import { isDeepStrictEqual } from 'node:util';
import { own } from '../auth/decode.ts';
import type { Claims } from '../auth/verify.ts';
import type { Refresh } from '../session/refresh.ts';
import { shut } from './examine.ts';
import type { LoginGate, Objection } from './login.ts';
import { endedMeanwhile, grantTo, loginByBearer } from './login.ts';
import type { TicketGate } from './ticket-login.ts';
import { IDENTITY_CHANGED, loginByRefresh } from './ticket-login.ts';

/** What a token is held against by which a session would go on. */
export interface RefreshGate extends LoginGate, TicketGate {}

/** How a session came in: by a token of the site's, or by a ticket for such a token. It goes on likewise. */
export type Way = 'bearer' | 'ticket';

/** Builds what decides about further tokens of a session. */
export function refreshBy(way: Way, objection: Objection, gate: RefreshGate): Refresh {
  return async ({ id, claims }, token) => {
    const login =
      way === 'bearer'
        ? await loginByBearer(token, gate)
        : loginByRefresh({ token, id, claims }, gate);
    if ('failure' in login) return login;
    if (!isSameIdentity(login.claims, claims)) return IDENTITY_CHANGED;
    const grant = await grantTo(login, objection, gate);
    if ('failure' in grant) return grant;
    return shut(gate) ?? endedMeanwhile(login, gate) ?? { ...login, grant };
  };
}

/** Whether both name the same user and login, vouched for by the same. */
function isSameIdentity(one: Claims, other: Claims): boolean {
  return ['iss', 'sub', 'sid'].every((name) => isDeepStrictEqual(own(one, name), own(other, name)));
}

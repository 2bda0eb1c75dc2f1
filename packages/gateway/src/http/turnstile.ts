import { failures } from '@postern/client/protocol';
import type { Claims } from '../auth/verify.ts';
import { addressBlock } from './address-block.ts';
import { HandshakeRate } from './handshake-rate.ts';
import { Places } from './places.ts';
import type { Closable } from './places.ts';
import type { LateRefusal, Refusal } from './refuse.ts';

/** How many may come in. 0 switches each off. */
export interface TurnstileLimits {
  /** Handshakes a second from one address. */
  readonly handshakesPerAddress: number;
  /** Open connections from one address, handshakes under way included. */
  readonly connectionsPerAddress: number;
  /** Open connections of one user: the token's `sub`, with its `iss`. */
  readonly connectionsPerUser: number;
  /** Open connections in all. */
  readonly connections: number;
}

/** Counts who comes in, and stops who would be too many. Both must be asked without an await in between. */
export interface Turnstile {
  /** Before anything is verified: it must cost an attacker's address, and not the gateway. */
  readonly knock: (address: string, stream: Closable) => Refusal | undefined;
  /** Once the token holds. Whoever has left meanwhile takes no place. */
  readonly pass: (claims: Claims, stream: Closable) => LateRefusal | undefined;
}

/** What all connections have in common. */
const EVERYBODY = '';

/** Builds the turnstile. `nowMs` is monotonic time. */
export function createTurnstile(limits: TurnstileLimits, nowMs: () => number): Turnstile {
  const rate = new HandshakeRate(limits.handshakesPerAddress);
  const ofAddresses = new Places(limits.connectionsPerAddress);
  const ofUsers = new Places(limits.connectionsPerUser);
  const ofAll = new Places(limits.connections);

  return {
    knock: (address, stream) => {
      const block = addressBlock(address);
      if (!rate.take(block, nowMs()))
        return { failure: failures.rateLimited, headers: { 'Retry-After': '1' } };
      if (!ofAddresses.take(block, stream)) return tooMany('of this address');
      return ofAll.take(EVERYBODY, stream) ? undefined : { failure: failures.overload };
    },
    pass: (claims, stream) => {
      const user = userKey(claims);
      if (user === undefined || stream.destroyed || ofUsers.take(user, stream)) return undefined;
      return { ...tooMany('of this user'), claims };
    },
  };
}

function tooMany(whose: string): LateRefusal {
  const { reason } = failures.connectionLimit;
  return { failure: failures.connectionLimit, text: `${reason}: ${whose}` };
}

/** Whose token it is; undefined when it names nobody. Two issuers may each have a user of one name. */
function userKey(claims: Claims): string | undefined {
  const own = (name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined);
  return typeof own('sub') === 'string' ? JSON.stringify([own('iss'), own('sub')]) : undefined;
}

import { failures } from '@postern/client/protocol';
import { Revocations } from './auth/revocation.ts';
import type { Claims } from './auth/verify.ts';
import type { Core } from './core.ts';
import type { OnRevocations } from './postgres/revocations.ts';
import { RevocationTable } from './postgres/revocations.ts';

/** Who is not to be let in any more, and is sent away where it is in. */
export interface Revoking {
  readonly isRevoked: (claims: Claims) => boolean;
  /** Makes what reads the table for one connection that listens. */
  readonly table: () => RevocationTable;
}

/** Joins what is read of revocations with the sessions that they end. */
export function revocationFor({ options, registry, clock, log }: Core): Revoking {
  const known = new Revocations();
  const now = (): number => clock.wallMs() / 1000;

  const read: OnRevocations = (what, rows) => {
    if (what === 'all') known.replace(rows);
    else known.add(rows);
    // Those of before have ended whom they could.
    const fresh = new Revocations(rows);
    const revoked = registry.all().filter(({ claims }) => fresh.includes(claims, now()));
    if (revoked.length > 0) log('sessions_revoked', { sessions: revoked.length });
    for (const session of revoked) session.end(failures.revoked);
  };

  return {
    isRevoked: (claims) => known.includes(claims, now()),
    table: () => new RevocationTable({ read, migrates: options.migrate, log }),
  };
}

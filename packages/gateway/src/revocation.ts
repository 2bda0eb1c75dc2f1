import { failures } from '@postern/client/protocol';
import { Revocations } from './auth/revocation.ts';
import type { Claims } from './auth/verify.ts';
import type { Core } from './core.ts';
import type { Database } from './postgres/connect.ts';
import type { PrivateListener } from './postgres/listen-connection.ts';
import type { OnRevocations } from './postgres/revocations.ts';
import { RevocationReader } from './postgres/revocations.ts';

/** Who is not to be let in any more, and is sent away where it is in. */
export interface Revoking {
  readonly isRevoked: (claims: Claims) => boolean;
  /** Makes what follows the table on one connection that listens. */
  readonly privately: () => PrivateListener;
}

/** Joins what is read of revocations with the sessions that they end. */
export function revocationFor({
  options,
  registry,
  clock,
  log,
  database,
}: Core & { readonly database: Database }): Revoking {
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
    privately: () => new RevocationReader({ database, read, migrates: options.migrate, log }),
  };
}

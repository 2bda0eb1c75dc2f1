import { own } from './decode.ts';
import type { Claims } from './token.ts';

/** By what tokens are revoked: the user, the login, the one token. */
export type RevocationKind = 'sub' | 'sid' | 'jti';

/** A word on tokens that do not count any more. */
export interface Revocation {
  readonly kind: RevocationKind;
  readonly value: string;
  /** What was issued up to then is revoked, in UNIX seconds; `Infinity`: whenever it was. */
  readonly before: number;
  /** When it is forgotten, in UNIX seconds. */
  readonly keptUntil: number;
}

/** What was revoked, as far as it has been read. */
export class Revocations {
  readonly #known: Readonly<Record<RevocationKind, Map<string, Revocation>>> = {
    sub: new Map(),
    sid: new Map(),
    jti: new Map(),
  };

  constructor(revocations: readonly Revocation[] = []) {
    this.add(revocations);
  }

  /** A later word on the same replaces an earlier one. */
  add(revocations: readonly Revocation[]): void {
    for (const revocation of revocations)
      this.#known[revocation.kind].set(revocation.value, revocation);
  }

  /** Forgets what is not among these. */
  replace(revocations: readonly Revocation[]): void {
    for (const known of Object.values(this.#known)) known.clear();
    this.add(revocations);
  }

  /**
   * Whether what has these claims is revoked. Without an `iat` it was issued before everything: nobody
   * could tell otherwise.
   */
  includes(claims: Claims, nowSeconds: number): boolean {
    const issuedAt = issuedAtOf(claims);
    return kinds.some((kind) => {
      const value = own(claims, kind);
      if (typeof value !== 'string') return false;
      const found = this.#known[kind].get(value);
      return found !== undefined && issuedAt <= found.before && nowSeconds < found.keptUntil;
    });
  }
}

/** When something was issued, by its claims, in UNIX seconds; 0: it does not say. */
export function issuedAtOf(claims: Claims): number {
  const iat = own(claims, 'iat');
  return typeof iat === 'number' && Number.isFinite(iat) && iat > 0 ? iat : 0;
}

const kinds = ['sub', 'sid', 'jti'] as const satisfies readonly RevocationKind[];

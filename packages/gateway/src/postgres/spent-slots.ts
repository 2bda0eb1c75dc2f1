/**
 * Which partition a spent token goes to, and when a partition may be emptied: all by its `exp` and the
 * database's clock, in UNIX seconds, which is the one clock that every gateway shares.
 *
 * A row is taken only while the token's `exp` is near that clock ({@link BEHIND_SECONDS},
 * {@link AHEAD_SECONDS}). So a partition has times in which all that it holds has expired for
 * everybody and nothing new can come in. In those it is emptied.
 */

/** How many partitions the migration makes. */
export const SLOTS = 8;

/** Tokens that expire in the same span share a partition. */
export const SPAN_SECONDS = 120;

/** The clock of a gateway that lets a token in may be behind the database's by so much. */
export const BEHIND_SECONDS = 120;

/** Leeway of 300 s, a life of 60 s, and as much again for clocks that are ahead. */
export const AHEAD_SECONDS = 480;

/** The partition for a token that expires then. */
export function slotOf(expiresAt: number): number {
  const slot = Math.floor(expiresAt / SPAN_SECONDS) % SLOTS;
  return slot < 0 ? slot + SLOTS : slot;
}

/** The partitions that hold nothing but tokens which are over, and get no others now. */
export function slotsToEmpty(now: number): readonly number[] {
  const first = Math.floor((now - BEHIND_SECONDS) / SPAN_SECONDS);
  const last = Math.floor((now + AHEAD_SECONDS) / SPAN_SECONDS);
  const inUse = new Set<number>();
  for (let span = first; span <= last; span++) inUse.add(slotOf(span * SPAN_SECONDS));
  return Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => !inUse.has(slot));
}

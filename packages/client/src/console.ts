import type { Gap } from './subscription.ts';

/** A gap that nobody has a function for: what is lost is not to be lost in silence. */
export function warn({ channel, reason }: Gap): void {
  console.warn(`postern: gap in ${channel} (${reason}), no onGap`);
}

/** An error that nobody has a function for. */
export function complain(error: unknown): void {
  console.error(error);
}

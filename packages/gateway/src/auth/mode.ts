import type { ChannelMode } from '@postern/client/protocol';

/** What may be done with a channel. */
export interface Mode {
  /** Its messages are delivered. */
  readonly read: boolean;
  /** It may be published to. */
  readonly write: boolean;
}

/** The modes as tokens spell them. */
const modes: ReadonlyMap<unknown, Mode> = new Map([
  ['r', { read: true, write: false }],
  ['w', { read: false, write: true }],
  ['rw', { read: true, write: true }],
]);

export const FULL: Mode = { read: true, write: true };
export const NONE: Mode = { read: false, write: false };

/** Reads a mode; `undefined` for anything but `r`, `w` and `rw`. */
export function parseMode(value: unknown): Mode | undefined {
  return modes.get(value);
}

/** Spells a mode as tokens do; `undefined` for {@link NONE}. */
export function spellMode({ read, write }: Mode): ChannelMode | undefined {
  if (read) return write ? 'rw' : 'r';
  return write ? 'w' : undefined;
}

/** What either allows. */
export function either(one: Mode, other: Mode): Mode {
  return { read: one.read || other.read, write: one.write || other.write };
}

/** What both allow. */
export function both(one: Mode, other: Mode): Mode {
  return { read: one.read && other.read, write: one.write && other.write };
}

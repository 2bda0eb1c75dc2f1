import { channelEntry } from './channel-entry.ts';
import type { ChannelEntry } from './channel-entry.ts';
import { asObject, own } from './decode.ts';
import { both, either, FULL, NONE, parseMode } from './mode.ts';
import type { Mode } from './mode.ts';
import type { Claims } from './token.ts';

/** What the claims of a token say of channels, for whatever channel is asked about. */
export interface ChannelRules {
  /** The channels that are named exactly, each once, `channel` first. */
  readonly names: readonly string[];
  /** What its patterns have before the `*`, each once: `room:`, or nothing for `*` alone. */
  readonly prefixes: readonly string[];
  /** What may be done with a channel: all that any entry for it allows, and nothing beyond `mode`. */
  modeOf(channel: string): Mode;
  /** What may be done with every channel whose name goes on after a pattern's prefix. */
  modeOfPrefix(prefix: string): Mode;
}

/** The longest name by which a client may ask for a channel, in bytes. */
const LONGEST_NAME_BYTES = 200;

/** What has a meaning in entries, and what would be invisible in a log. */
const NEVER_IN_NAMES = /[*{}\p{Cc}]/u;

/**
 * Reads `mode`, `channel` and `channels`. A claim that is malformed grants nothing, whatever else is
 * there. `undefined` when `mode` is missing or wrong; it may be missing beside `channels` with modes of
 * their own.
 *
 * @param patterns - Whether entries may be patterns and templates; else each is a name as it stands.
 */
export function channelRules(claims: Claims, patterns: boolean): ChannelRules | undefined {
  const channels = own(claims, 'channels');
  const isModeOptional = !Object.hasOwn(claims, 'mode') && asObject(channels) !== undefined;
  const ceiling = isModeOptional ? FULL : parseMode(own(claims, 'mode'));
  if (ceiling === undefined) return undefined;

  // Without `mode`, what has none of its own has none.
  const usual = isModeOptional ? NONE : ceiling;
  const said = [
    ...withMode(listed([own(claims, 'channel')]), usual),
    ...withMode(listed(channels), usual),
    ...mapped(channels),
  ];
  return rulesOf(
    said.map(([text, mode]) => [patterns ? channelEntry(text, claims) : { name: text }, mode]),
    ceiling,
  );
}

/** Rules of entries that have been read. One that could not be, `undefined`, stands for nothing. */
export function rulesOf(
  entries: readonly (readonly [ChannelEntry | undefined, Mode])[],
  ceiling: Mode,
): ChannelRules {
  const exact = new Map<string, Mode>();
  const prefixes = new Map<string, Mode>();
  for (const [entry, mode] of entries) {
    if (entry === undefined) continue;
    if ('prefix' in entry) add(prefixes, entry.prefix, mode);
    else add(exact, entry.name, mode);
  }
  return new EntryRules(exact, prefixes, ceiling);
}

/** Most sessions have no patterns, or no names: an empty map of their own would be a good part of their memory. */
const NO_ENTRIES: ReadonlyMap<string, Mode> = new Map();

class EntryRules implements ChannelRules {
  readonly #exact: ReadonlyMap<string, Mode>;
  readonly #prefixes: ReadonlyMap<string, Mode>;
  readonly #ceiling: Mode;

  constructor(
    exact: ReadonlyMap<string, Mode>,
    prefixes: ReadonlyMap<string, Mode>,
    ceiling: Mode,
  ) {
    this.#exact = exact.size > 0 ? exact : NO_ENTRIES;
    this.#prefixes = prefixes.size > 0 ? prefixes : NO_ENTRIES;
    this.#ceiling = ceiling;
  }

  get names(): readonly string[] {
    return [...this.#exact.keys()];
  }

  get prefixes(): readonly string[] {
    return [...this.#prefixes.keys()];
  }

  modeOf(channel: string): Mode {
    return this.#allowed(this.#exact.get(channel) ?? NONE, channel);
  }

  // A pattern reaches a longer prefix when it would reach a name that goes on there.
  modeOfPrefix(prefix: string): Mode {
    return this.#allowed(NONE, `${prefix}x`);
  }

  #allowed(named: Mode, channel: string): Mode {
    const by = this.#prefixes.size > 0 ? prefixesOf(channel) : [];
    return both(
      by.reduce((mode, prefix) => either(mode, this.#prefixes.get(prefix) ?? NONE), named),
      this.#ceiling,
    );
  }
}

function add(to: Map<string, Mode>, key: string, mode: Mode): void {
  to.set(key, either(to.get(key) ?? NONE, mode));
}

/**
 * Every prefix by which a pattern may grant the channel. A pattern ends in `:*` or is `*`, so they are
 * few, and asking for each costs the same however many patterns a token holds.
 */
function prefixesOf(channel: string): readonly string[] {
  if (!isNameable(channel)) return [];
  // The last letter ends no prefix: a pattern stands for longer names only.
  const colons = [...channel.slice(0, -1).matchAll(/:/g)];
  return ['', ...colons.map(({ index }) => channel.slice(0, index + 1))];
}

/** Whether a client may name such a channel where only a pattern grants it. */
export function isNameable(channel: string): boolean {
  if (channel === '' || NEVER_IN_NAMES.test(channel)) return false;
  return Buffer.byteLength(channel) <= LONGEST_NAME_BYTES;
}

function withMode(texts: readonly string[], mode: Mode): readonly (readonly [string, Mode])[] {
  return texts.map((text) => [text, mode]);
}

/** The list, if it is one of texts that are not empty. */
function listed(list: unknown): readonly string[] {
  return Array.isArray(list) && list.every(isName) ? list : [];
}

/** The members, if it is an object whose every value is a mode and no key is empty. */
function mapped(object: unknown): readonly (readonly [string, Mode])[] {
  const entries = Object.entries(asObject(object) ?? {}).map(
    ([text, value]) => [text, parseMode(value)] as const,
  );
  const isWhole = (entry: (typeof entries)[number]): entry is readonly [string, Mode] =>
    isName(entry[0]) && entry[1] !== undefined;
  return entries.every(isWhole) ? entries : [];
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

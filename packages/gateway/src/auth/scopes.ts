import type { ChannelMode } from '@postern/client/protocol';
import { channelEntry, templateNames } from './channel-entry.ts';
import type { ChannelEntry } from './channel-entry.ts';
import { channelRules, isNameable, rulesOf } from './channel-rules.ts';
import type { ChannelRules } from './channel-rules.ts';
import { asObject, own } from './decode.ts';
import type { JsonObject } from './decode.ts';
import { both, FULL, NONE, parseMode, spellMode } from './mode.ts';
import type { Mode } from './mode.ts';
import type { Claims } from './token.ts';

/**
 * What a login may do with channels, as a ticket carries it: `mode`, `channel` and `channels` as the
 * site's token has them, and in `with` the values of the claims that their templates name.
 */
export type Scopes = JsonObject;

/** How scopes are to be taken. */
export interface ScopeRules {
  /** The user, for templates. */
  readonly sub: string;
  /** Whether entries may be patterns and templates; else each is a name as it stands. */
  readonly patterns: boolean;
}

/** What is left of scopes, for channels that a client may name. */
export interface Narrowed {
  /** The names and patterns that are left, with the mode of each. */
  readonly entries: Readonly<Record<string, ChannelMode>>;
  /** Whether nothing is left. */
  readonly isEmpty: boolean;
  modeOf(channel: string): Mode;
}

/** The entries that ask for everything. */
export const EVERYTHING: readonly string[] = ['*'];

const CHANNEL_CLAIMS: readonly string[] = ['mode', 'channel', 'channels'];

/** Takes from claims what says something of channels, and nothing else. */
export function scopesOf(claims: Claims): Scopes {
  const said = picked(claims, CHANNEL_CLAIMS);
  const named = textsOf(said)
    .flatMap(templateNames)
    .filter((name) => !isAtHand(name) && isFilling(own(claims, name)));
  return named.length === 0 ? said : { ...said, with: picked(claims, named) };
}

/** The rules that scopes make for a user. Scopes without a mode allow nothing. */
export function scopeRules(scopes: Scopes, { sub, patterns }: ScopeRules): ChannelRules {
  const values = Object.entries(asObject(own(scopes, 'with')) ?? {});
  const claims: Claims = Object.fromEntries([
    ...values.filter(([name]) => !isAtHand(name)),
    ...Object.entries(picked(scopes, CHANNEL_CLAIMS)),
    ['sub', sub],
  ]);
  return channelRules(claims, patterns) ?? rulesOf([], NONE);
}

/**
 * What both rules and a list of entries allow: {@link EVERYTHING}, or the names and patterns that a
 * client asked for. What is no entry, a template included, asks for nothing.
 */
export function narrowed(rules: ChannelRules, wanted: readonly string[]): Narrowed {
  const asked = wanted.map((text) => [wantedEntry(text), FULL] as const);
  return meet(rules, rulesOf(asked, FULL));
}

/** What each of two lists of entries allows. */
export function common(one: Narrowed['entries'], other: Narrowed['entries']): Narrowed {
  return meet(rulesOfEntries(one), rulesOfEntries(other));
}

function rulesOfEntries(entries: Narrowed['entries']): ChannelRules {
  const read = Object.entries(entries).map(
    ([text, mode]) => [wantedEntry(text), parseMode(mode) ?? NONE] as const,
  );
  return rulesOf(read, FULL);
}

/** Of two entries that reach a channel the narrower one is left: it says of it what both do together. */
function meet(one: ChannelRules, other: ChannelRules): Narrowed {
  const names = unique(one.names, other.names).map(
    (name) => [{ name }, both(one.modeOf(name), other.modeOf(name))] as const,
  );
  const prefixes = unique(one.prefixes, other.prefixes).map(
    (prefix) => [{ prefix }, both(one.modeOfPrefix(prefix), other.modeOfPrefix(prefix))] as const,
  );
  const left = [...names, ...prefixes].flatMap(([entry, mode]) => spelt(entry, mode));
  const rules = rulesOf(
    left.map(({ entry, mode }) => [entry, mode]),
    FULL,
  );
  return {
    entries: Object.fromEntries(left.map(({ text, spelling }) => [text, spelling])),
    isEmpty: left.length === 0,
    modeOf: modesBy(rules),
  };
}

/** Made apart from what the rules were made of: a session keeps it, and with it all that its maker had at hand. */
function modesBy(rules: ChannelRules): Narrowed['modeOf'] {
  return (channel) => rules.modeOf(channel);
}

/** Whether a client may ask for this: the name or the pattern of channels that it may name. */
export function isWantable(text: string): boolean {
  return wantedEntry(text) !== undefined;
}

/** What is left of scopes, as scopes: for a ticket that holds no narrowing beside them. */
export function narrowedScopes({ entries }: Narrowed): Scopes {
  return { channels: entries };
}

/** A template finds no claims here, so it is no entry. */
function wantedEntry(text: string): ChannelEntry | undefined {
  const entry = channelEntry(text, {});
  if (entry === undefined) return undefined;
  return isNameable('prefix' in entry ? `${entry.prefix}x` : entry.name) ? entry : undefined;
}

/** An entry as text; none for one that allows nothing. */
function spelt(entry: ChannelEntry, mode: Mode) {
  const spelling = spellMode(mode);
  const text = 'prefix' in entry ? `${entry.prefix}*` : entry.name;
  return spelling === undefined ? [] : [{ entry, mode, text, spelling }];
}

/** Every text in which a template may stand. */
function textsOf(scopes: Scopes): readonly string[] {
  const channels = own(scopes, 'channels');
  const list: readonly unknown[] = Array.isArray(channels)
    ? channels
    : Object.keys(asObject(channels) ?? {});
  return [own(scopes, 'channel'), ...list].filter((text) => typeof text === 'string');
}

/** What need not be carried: the user is named beside the scopes, the rest stands in them. */
function isAtHand(name: string): boolean {
  return name === 'sub' || CHANNEL_CLAIMS.includes(name);
}

/** What can fill a template; a list or an object would only take room in a cookie. */
function isFilling(value: unknown): boolean {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

/** Own members only, `__proto__` among them. */
function picked(object: JsonObject, names: readonly string[]): JsonObject {
  const has = unique(names, []).filter((name) => Object.hasOwn(object, name));
  return Object.fromEntries(has.map((name) => [name, object[name]]));
}

function unique(some: readonly string[], more: readonly string[]): readonly string[] {
  return [...new Set([...some, ...more])];
}

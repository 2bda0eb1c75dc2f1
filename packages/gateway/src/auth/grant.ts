import { channelRules } from './channel-rules.ts';
import type { ChannelRules } from './channel-rules.ts';
import { own } from './decode.ts';
import { parseMode } from './mode.ts';
import { tokenProblems } from './problems.ts';
import type { TokenProblem } from './problems.ts';
import type { Claims } from './token.ts';

/** What a token allows on this connection. */
export interface Grant {
  /** The names of its channels, each once; never empty. */
  readonly channels: readonly string[];
  /** Those whose messages are delivered to it. */
  readonly readable: readonly string[];
  /** Those that it may publish to. */
  readonly writable: readonly string[];
}

/** How the claims are to be taken. */
export interface GrantRules {
  /** Whether a token without channel claims opens whatever channel the path names. */
  readonly openChannels: boolean;
  /** Whether channel claims may hold patterns and templates. */
  readonly channelPatterns: boolean;
}

interface GrantOptions extends GrantRules {
  /** The channel that the path names; `undefined`: none, so all that the token names are granted. */
  readonly pathChannel: string | undefined;
}

/**
 * Reads a grant for the raw protocol from verified claims. A channel in the path narrows it to that
 * one, which a pattern may grant; without one, patterns name nothing. A channel claim that is there but
 * malformed or empty grants nothing, and does not count as absent: postgres-websockets opens every
 * channel then, here it takes a token that has neither claim.
 */
export function grantFrom(
  claims: Claims,
  { pathChannel, openChannels, channelPatterns }: GrantOptions,
): { readonly grant: Grant } | { readonly problem: TokenProblem } {
  const isOpen =
    openChannels && !Object.hasOwn(claims, 'channel') && !Object.hasOwn(claims, 'channels');
  const rules = isOpen ? openRules(claims) : channelRules(claims, channelPatterns);
  if (rules === undefined) return { problem: tokenProblems.missingMode };

  const wanted = pathChannel === undefined ? rules.names : [pathChannel].filter(isNamed);
  const granted = wanted.map((channel) => ({ channel, mode: rules.modeOf(channel) }));
  const readable = granted.filter(({ mode }) => mode.read).map(({ channel }) => channel);
  const writable = granted.filter(({ mode }) => mode.write).map(({ channel }) => channel);
  const channels = granted
    .filter(({ mode }) => mode.read || mode.write)
    .map(({ channel }) => channel);
  if (channels.length === 0) return { problem: tokenProblems.noChannels };
  return { grant: { channels, readable, writable } };
}

/** Any channel, under the token's mode. */
function openRules(claims: Claims): ChannelRules | undefined {
  const mode = parseMode(own(claims, 'mode'));
  if (mode === undefined) return undefined;
  return { names: [], prefixes: [''], modeOf: () => mode, modeOfPrefix: () => mode };
}

/** No channel has the empty name, which `//<token>` asks for. */
function isNamed(channel: string): boolean {
  return channel !== '';
}

import { own } from './decode.ts';
import { tokenProblems } from './problems.ts';
import type { TokenProblem } from './problems.ts';
import type { Claims } from './token.ts';

/** What a token allows on this connection. */
export interface Grant {
  /** Exact names, each once; never empty. */
  readonly channels: readonly string[];
  /** Whether messages of the channels are delivered to it. */
  readonly canRead: boolean;
  /** Whether it may publish to the channels. */
  readonly canWrite: boolean;
}

interface GrantOptions {
  /** The channel that the path names; `undefined`: none, so all that the token names are granted. */
  readonly pathChannel: string | undefined;
  /** Whether a token without channel claims opens whatever channel the path names. */
  readonly openChannels: boolean;
}

/**
 * Reads a grant from verified claims: `mode`, `channel` and `channels`. A channel claim that is there
 * but malformed or empty grants nothing, and does not count as absent: postgres-websockets opens
 * every channel then, here it takes a token that has neither claim.
 */
export function grantFrom(
  claims: Claims,
  options: GrantOptions,
): { readonly grant: Grant } | { readonly problem: TokenProblem } {
  const mode = own(claims, 'mode');
  if (mode !== 'r' && mode !== 'w' && mode !== 'rw') return { problem: tokenProblems.missingMode };

  const channels = grantedChannels(claims, options);
  if (channels.length === 0) return { problem: tokenProblems.noChannels };
  return { grant: { channels, canRead: mode.includes('r'), canWrite: mode.includes('w') } };
}

function grantedChannels(
  claims: Claims,
  { pathChannel, openChannels }: GrantOptions,
): readonly string[] {
  if (!Object.hasOwn(claims, 'channel') && !Object.hasOwn(claims, 'channels'))
    return openChannels ? names([pathChannel]) : [];

  const named = new Set([...names([own(claims, 'channel')]), ...names(own(claims, 'channels'))]);
  if (pathChannel === undefined) return [...named];
  return named.has(pathChannel) ? [pathChannel] : [];
}

/** The list, if it is one of channel names. No channel has the empty name. */
function names(list: unknown): readonly string[] {
  return Array.isArray(list) && list.every(isName) ? list : [];
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

import { CommandError } from '../command-error.ts';
import type { CommandLine } from '../command-line.ts';

type Claims = Readonly<Record<string, unknown>>;

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/**
 * The claims that the flags ask for. Those given by `--claim` come last and win, so that a token can
 * be made wrong on purpose.
 */
export function claimsFrom(line: Pick<CommandLine, 'one' | 'all'>, nowSeconds: number): Claims {
  const channels = channelList(line.all('channels'));
  const more = Object.fromEntries(line.all('claim').map(readClaim));
  if (channels.length === 0 && !('channels' in more) && !('channel' in more))
    throw new CommandError(2, 'name the channels that the token opens: --channels chat,news');

  const sub = line.one('sub');
  return {
    ...modeOf(line.one('mode'), more),
    ...(channels.length === 0 ? {} : { channels }),
    ...(sub === undefined ? {} : { sub }),
    iat: nowSeconds,
    ...expiryOf(line.one('expires') ?? '1h', nowSeconds),
    ...more,
  };
}

function channelList(given: readonly string[]): readonly string[] {
  const channels = given.flatMap((text) => text.split(',')).map((name) => name.trim());
  return [...new Set(channels)].filter((name) => name !== '');
}

/** Channels that come with modes of their own need none beside them. */
function modeOf(mode: string | undefined, more: Claims): { readonly mode?: string } {
  const { channels } = more;
  if (mode === undefined && typeof channels === 'object' && !Array.isArray(channels)) return {};
  if (mode !== undefined && !['r', 'w', 'rw'].includes(mode))
    throw new CommandError(2, '--mode: expected r, w or rw');
  return { mode: mode ?? 'r' };
}

function expiryOf(text: string, nowSeconds: number): { readonly exp?: number } {
  if (text === 'never') return {};
  const [, amount, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = UNITS[unit];
  if (amount === undefined || seconds === undefined)
    throw new CommandError(2, '--expires: expected a time such as 90s, 15m, 1h or 7d, or never');
  return { exp: nowSeconds + Number(amount) * seconds };
}

/** `name=value`: the value is JSON where it can be read as such, and text elsewhere. */
function readClaim(given: string): readonly [string, unknown] {
  const at = given.indexOf('=');
  if (at < 1) throw new CommandError(2, '--claim: expected NAME=VALUE');
  const text = given.slice(at + 1);
  try {
    return [given.slice(0, at), JSON.parse(text)];
  } catch {
    // What is no JSON was meant as text: nobody quotes quotes for a shell without need.
    return [given.slice(0, at), text];
  }
}

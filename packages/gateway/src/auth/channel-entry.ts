import { own } from './decode.ts';
import type { Claims } from './token.ts';

/** What one entry of a channel claim stands for: one name, or every longer name with a prefix. */
export type ChannelEntry = { readonly name: string } | { readonly prefix: string };

/** A claim's name between braces. */
const TEMPLATE = /\{([^{}]*)\}/g;

/**
 * Reads an entry: an exact name, `*`, a prefix pattern such as `room:*`, and in either of them templates
 * such as `user:{sub}`, to be filled from the claims. There is no other syntax: an entry with a `*`
 * elsewhere, a brace without its partner, or a template that cannot be filled is `undefined`, and
 * stands for no channel.
 */
export function channelEntry(text: string, claims: Claims): ChannelEntry | undefined {
  const isPattern = text === '*' || text.endsWith(':*');
  const stem = isPattern ? text.slice(0, -1) : text;
  if (stem.includes('*') || /[{}]/.test(stem.replaceAll(TEMPLATE, ''))) return undefined;

  const values = templateNames(stem).map((name) => templateValue(claims, name));
  if (!values.every((value) => value !== undefined)) return undefined;
  // Of one user's `ada` and another's `ada:x` the patterns would overlap.
  if (isPattern && values.some((value) => /[*:]/.test(value))) return undefined;

  const remaining = values.values();
  // By a function: a text would be searched for `$&` and its like. What is filled in stays as it is.
  const filled = stem.replaceAll(TEMPLATE, () => remaining.next().value ?? '');
  if (isPattern) return { prefix: filled };
  return filled === '' ? undefined : { name: filled };
}

/** The claims that templates in a text name. */
export function templateNames(text: string): readonly string[] {
  return [...text.matchAll(TEMPLATE)].map(([, name = '']) => name);
}

/** Text that is not empty, or a whole number, which is how many databases count their users. */
function templateValue(claims: Claims, name: string): string | undefined {
  const value = own(claims, name);
  if (Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

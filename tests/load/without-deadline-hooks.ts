import type { LoadHook } from 'node:module';

const MODULE = '/session/deadline.js';
const COMPARISON = /export function isOver\(\w+, \w+\) \{/;

/** What the loader of modules asks. Makes the comparison one that always says no. */
export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context);
  if (!url.endsWith(MODULE)) return loaded;

  const source =
    loaded.source instanceof Uint8Array
      ? new TextDecoder().decode(loaded.source)
      : String(loaded.source);
  if (!COMPARISON.test(source)) throw new Error(`There is no isOver in ${url}`);
  return { ...loaded, source: source.replace(COMPARISON, '$& return false;') };
};

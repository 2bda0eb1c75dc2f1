import { isDeepStrictEqual } from 'node:util';
import type { OptionName, Options } from './options.ts';
import { optionRows } from './options.ts';
import { Secret } from './secret.ts';

/** The names of the options that differ, in the order of the table. */
export function changedOptions(before: Options, after: Options): readonly OptionName[] {
  const differs = (name: OptionName): boolean =>
    !isDeepStrictEqual(revealed(before[name]), revealed(after[name]));
  return optionRows.map(({ name }) => name).filter(differs);
}

/** What a secret holds is private to it, and no comparison looks there. */
function revealed(value: Options[OptionName]): unknown {
  return value instanceof Secret ? value.reveal() : value;
}

import * as z from 'zod';
import { adminOptions } from './groups/admin.ts';
import { browserOptions } from './groups/browser.ts';
import { entryOptions } from './groups/entry.ts';
import { limitOptions } from './groups/limits.ts';
import { listeningOptions } from './groups/listening.ts';
import { postgresOptions } from './groups/postgres.ts';
import { runningOptions } from './groups/running.ts';
import { tokenOptions } from './groups/tokens.ts';
import { optionMeta } from './option.ts';
import type { OptionMeta } from './option.ts';

/** The option table by the headings of its reference page. */
const groups = {
  PostgreSQL: postgresOptions,
  Listening: listeningOptions,
  Tokens: tokenOptions,
  'Who may connect': entryOptions,
  Browsers: browserOptions,
  Limits: limitOptions,
  Running: runningOptions,
  'Admin port': adminOptions,
} as const;

/**
 * Every option, once: its type, parser, default and meaning. Environment variables (`POSTERN_` and
 * the name in capitals), flags, the configuration file, `--help`, `docs/configuration.md` and
 * `sample.env` are all made from this table.
 */
export const options = z.strictObject({
  ...postgresOptions,
  ...listeningOptions,
  ...tokenOptions,
  ...entryOptions,
  ...browserOptions,
  ...limitOptions,
  ...runningOptions,
  ...adminOptions,
});

/** The configuration in force: parsed, typed, complete. */
export type Options = z.infer<typeof options>;

/** Name of an option, as in a configuration file. */
export type OptionName = keyof Options;

/** One row of the option table. */
export interface OptionRow extends OptionMeta {
  readonly name: OptionName;
  /** Heading in the reference page. */
  readonly group: string;
  /** Environment variable. */
  readonly env: string;
  /** Command-line flag, without the dashes. */
  readonly flag: string;
  /** What counts when nothing is set; undefined: nothing does. */
  readonly fallback: unknown;
}

/** The option table as rows, in its order. */
export const optionRows: readonly OptionRow[] = options.keyof().options.map((name) => {
  const schema = options.shape[name];
  const words = name.replaceAll(/[A-Z]/g, (capital) => `_${capital}`);
  return {
    ...optionMeta(name, schema),
    name,
    group: groupOf(name),
    env: `POSTERN_${words.toUpperCase()}`,
    flag: words.toLowerCase().replaceAll('_', '-'),
    fallback: schema.parse(undefined),
  };
});

function groupOf(name: OptionName): string {
  return Object.entries(groups).find(([, group]) => name in group)?.[0] ?? '';
}

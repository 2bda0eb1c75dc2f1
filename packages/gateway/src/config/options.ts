import { adminOptions } from './groups/admin.ts';
import { browserOptions } from './groups/browser.ts';
import { entryOptions } from './groups/entry.ts';
import { limitOptions } from './groups/limits.ts';
import { listeningOptions } from './groups/listening.ts';
import { postgresOptions } from './groups/postgres.ts';
import { runningOptions } from './groups/running.ts';
import { tokenOptions } from './groups/tokens.ts';
import type { Option } from './option.ts';

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
const table = {
  ...postgresOptions,
  ...listeningOptions,
  ...tokenOptions,
  ...entryOptions,
  ...browserOptions,
  ...limitOptions,
  ...runningOptions,
  ...adminOptions,
};

/** Name of an option, as in a configuration file. */
export type OptionName = keyof typeof table;

/** The configuration in force: parsed, typed, complete. */
export type Options = {
  readonly [Name in OptionName]: (typeof table)[Name] extends Option<infer Value> ? Value : never;
};

/** One row of the option table. */
export interface OptionRow extends Option<unknown> {
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
export const optionRows: readonly OptionRow[] = Object.entries(groups).flatMap(([group, options]) =>
  Object.keys(options)
    .filter(isOptionName)
    .map((name) => rowOf(name, group)),
);

function rowOf(name: OptionName, group: string): OptionRow {
  const option = table[name];
  const words = name.replaceAll(/[A-Z]/g, (capital) => `_${capital}`);
  const unset = option.parse(undefined);
  return {
    ...option,
    name,
    group,
    env: `POSTERN_${words.toUpperCase()}`,
    flag: words.toLowerCase().replaceAll('_', '-'),
    fallback: 'value' in unset ? unset.value : undefined,
  };
}

/** What speaks against an option as it was given. */
export interface OptionProblem {
  /** The name that it was given by, which may be no option's. */
  readonly name: string;
  readonly message: string;
}

/** Checks and completes options by their names. Tells every problem, and no value. */
export function parseOptions(
  given: Readonly<Record<string, unknown>>,
): { readonly options: Options } | { readonly problems: readonly OptionProblem[] } {
  const values: Record<string, unknown> = {};
  const problems: OptionProblem[] = [];
  for (const { name, parse } of optionRows) {
    const parsed = parse(given[name]);
    if ('value' in parsed) values[name] = parsed.value;
    else problems.push(...parsed.problems.map((message) => ({ name, message })));
  }
  for (const name of Object.keys(given))
    if (!isOptionName(name)) problems.push({ name, message: 'no such option' });
  return problems.length > 0 ? { problems } : { options: values as Options };
}

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(table, name);
}

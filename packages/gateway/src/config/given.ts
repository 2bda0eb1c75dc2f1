import { GatewayError } from '../errors.ts';
import type { OptionName, Options } from './options.ts';
import { parseOptions } from './options.ts';
import type { Secret } from './secret.ts';
import type { SigningSecrets } from './signing-secrets.ts';

/** Options as a program gives them: by name, those that have a default left out, secrets as text. */
export type GivenOptions = {
  readonly [Name in OptionName]?: Options[Name] | TextForSecret<Options[Name]> | undefined;
};

type TextForSecret<Value> = Secret extends Value
  ? string
  : SigningSecrets extends Value
    ? string
    : never;

/**
 * Checks and completes options by the option table. Throws one `POSTERN_CONFIG` error with a line
 * for each problem: the option's name and what was expected, never the value, which may be a secret.
 */
export function parseGiven(given: GivenOptions): Options {
  const parsed = parseOptions(given);
  if ('options' in parsed) return parsed.options;

  const problems = parsed.problems.map(({ name, message }) => `${name}: ${message}`);
  throw new GatewayError('POSTERN_CONFIG', { detail: ['', ...problems].join('\n  ') });
}

import { readFileSync } from 'node:fs';
import { GatewayError } from '../errors.ts';

/** Named texts, as the environment gives them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The only place that reads `process.env`. */
export function environment(): Environment {
  return process.env;
}

/**
 * A value that starts with `@` names a file and stands for its text, less one newline at its end:
 * editors put it there. Throws what reading the file throws.
 */
export function resolveFile(value: string): string {
  if (!value.startsWith('@')) return value;
  return readFileSync(value.slice(1), 'utf8').replace(/\r?\n$/, '');
}

/** The options in a JSON file. Throws a {@link GatewayError} when it cannot be read as an object. */
export function configurationFile(path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw new GatewayError('POSTERN_CONFIG', {
      cause,
      detail: `--config ${path} cannot be read as JSON.`,
    });
  }
  throw new GatewayError('POSTERN_CONFIG', {
    detail: `--config ${path} must hold a JSON object.`,
  });
}

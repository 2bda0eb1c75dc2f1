import { readFileSync } from 'node:fs';
import { GatewayError } from '../errors.ts';

/** Named texts, as the environment gives them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The only place that reads `process.env`. */
export function environment(): Environment {
  return process.env;
}

/** The path that a value names by a leading `@`; undefined when it stands for itself. */
export function namedFile(value: string): string | undefined {
  return value.startsWith('@') ? value.slice(1) : undefined;
}

/**
 * A value, or the text of the file that it names, less one newline at its end: editors put it there.
 * Throws what reading the file throws.
 */
export function resolveFile(value: string): string {
  const path = namedFile(value);
  return path === undefined ? value : readFileSync(path, 'utf8').replace(/\r?\n$/, '');
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

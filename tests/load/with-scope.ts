import type { Scope } from '../support/postgres.ts';

/** Gives `use` a scope, and ends that when it has settled: what was started last is cleaned up first. */
export async function withScope<T>(use: (scope: Scope) => Promise<T>): Promise<T> {
  const cleanUps: (() => Promise<void>)[] = [];
  try {
    return await use({ after: (cleanUp) => void cleanUps.push(cleanUp) });
  } finally {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  }
}

import { setTimeout as wait } from 'node:timers/promises';
import { failures } from '@postern/client/protocol';
import type { Registry } from '../hub/registry.ts';
import type { Session } from './session.ts';

/** At least so many are sent away each second: a small server need not use its whole window. */
const SESSIONS_PER_SECOND = 200;

const STEP_MS = 50;

/**
 * Sends everybody away with 1001, in random order and spread over `seconds` at the most, so that
 * they do not all knock at the next gateway in the same moment.
 */
export async function drain(registry: Registry<Session>, seconds: number): Promise<void> {
  const sessions = registry.all();
  const windowMs = Math.min(seconds, sessions.length / SESSIONS_PER_SECOND) * 1000;
  const leaving = sessions
    .map((session) => ({ session, atMs: Math.random() * windowMs }))
    .sort((one, other) => one.atMs - other.atMs);

  let atMs = 0;
  for (const next of leaving) {
    for (; atMs < next.atMs; atMs += STEP_MS) await wait(STEP_MS);
    next.session.end(failures.goingAway);
  }
}

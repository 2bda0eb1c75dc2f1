import type { ServerResponse } from 'node:http';
import { answer } from './answer.ts';

/** Whether clients are let in, and if not, why. */
export interface Health {
  /** `up`: notifications arrive, as far as has been proved. */
  readonly database: 'up' | 'down';
  readonly draining: boolean;
}

/** `/healthz`: the process is alive. Restart it when this fails. */
export function answerAlive(response: ServerResponse): void {
  answer(response, 200, 'ok\n');
}

/** `/readyz`: clients would be let in. Send none while this fails. */
export function answerReady(response: ServerResponse, health: Health): void {
  const ready = health.database === 'up' && !health.draining;
  const headers = { 'Content-Type': 'application/json' };
  answer(response, ready ? 200 : 503, `${JSON.stringify(health)}\n`, headers);
}

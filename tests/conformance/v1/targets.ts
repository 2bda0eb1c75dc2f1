import { after } from 'node:test';

import { givenTarget } from '../given-target.ts';
import { startTargets } from '../targets.ts';
import type { Target } from '../targets.ts';

/** As a gateway is that never was a postgres-websockets; clients of the raw protocol are let in, too. */
const environment = {
  POSTERN_OPEN_CHANNELS: 'false',
  POSTERN_CHANNEL_PATTERNS: 'true',
  POSTERN_REQUIRE_EXP: 'true',
  POSTERN_MESSAGES_PER_SECOND: '50',
  POSTERN_ON_LISTENER_LOSS: 'reconnect',
} as const;

/** Starts every target for all the scenarios of a file; or takes the one that the run was given. */
export async function startV1Targets(): Promise<readonly Target[]> {
  const given = givenTarget({ after });
  return given === undefined ? await startTargets({ environment }) : [given];
}

import assert from 'node:assert/strict';
import type { Check, Finding } from '#gateway/cli/doctor/check.js';
import { readConfiguration } from '#gateway/cli/doctor/configuration.js';
import type { Configured, Reached } from '#gateway/cli/doctor/ground.js';
import { Database } from '#gateway/postgres/connect.js';
import type { ServerFacts } from '#gateway/postgres/inspection.js';

/** What the doctor goes by, when the environment is this. */
export function configuredBy(environment: Readonly<Record<string, string>>): Configured {
  const { configured } = readConfiguration({ flags: {}, environment });
  assert.ok(configured !== undefined);
  return configured;
}

/** Runs the check of this name. */
export async function run<Ground>(
  checks: readonly Check<Ground>[],
  name: string,
  ground: Ground,
): Promise<Finding> {
  const check = checks.find((candidate) => candidate.name === name);
  assert.ok(check !== undefined, name);
  return await check.run(ground);
}

/** Asserts what was found, and with which mend. */
export function isFinding(
  finding: Finding,
  status: Finding['status'],
  found: RegExp,
  mend?: RegExp,
): void {
  assert.equal(finding.status, status, finding.found);
  assert.match(finding.found, found);
  if (mend !== undefined) assert.match('mend' in finding ? finding.mend : '', mend);
}

/** A server with which nothing is wrong. */
const sound: ServerFacts = {
  version: 180_004,
  encoding: 'UTF8',
  replica: false,
  pooled: false,
  forbiddenTables: [],
  schema: { state: 'current' },
  publishChannel: 'postgres-websockets-listener',
  queueUsage: 0,
  connectionsLeft: 90,
  connectionsAtMost: 97,
  clock: { seconds: 0.01, uncertainty: 0.001 },
  tls: { encrypted: true, trusted: true, expires: new Date(Date.now() + 90 * 86_400_000) },
};

/** The ground of the database checks: a sound server with something changed, at that URL. */
export function reachedWith(
  facts: Partial<ServerFacts>,
  url = 'postgres://gate:hunter2@db.test/app',
): Reached {
  return {
    configured: configuredBy({ POSTERN_DATABASE_URL: url }),
    database: new Database({ url, poolSize: 1, log: () => undefined }),
    facts: { ...sound, ...facts },
  };
}

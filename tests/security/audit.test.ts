import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { events as eventTable } from '#gateway/observe/events.js';
import type { EventRow } from '#gateway/observe/events.js';
import { createLog } from '#gateway/observe/log.js';

import { handshake } from '../support/exchange.ts';
import type { Handshake } from '../support/exchange.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway, TestGatewayOptions } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { inSeconds, signToken } from '../support/tokens.ts';

const scope = failOnLeaks();

const CLAIMS = { mode: 'rw', channel: 'chat', sub: 'ada', exp: inSeconds(600) } as const;

const OTHER_KEY = 'another-secret-of-thirty-two-bytes';

/** The audit lines of a gateway. */
const auditOf = ({ events }: TestGateway) =>
  events.filter(({ fields }) => fields['audit'] === true);

/** Refuses one handshake, and returns the one audit line that it made. */
async function refusal(request: Handshake, options: TestGatewayOptions = {}) {
  const gateway = await startGateway(scope, options);
  await handshake(gateway.port, request);
  const [line, ...others] = auditOf(gateway);
  assert.deepEqual(others, [], 'one line stands for one happening');
  assert.equal(line?.event, 'handshake_refused');
  return line.fields;
}

const tokenOf = async (claims: object, key?: string): Promise<Handshake> => ({
  target: `/${await signToken({ ...CLAIMS, ...claims }, key === undefined ? {} : { key })}`,
});

describe('An audit line', () => {
  it('names outcome, failure, address and user of a token that is expired', async () => {
    assert.deepEqual(await refusal(await tokenOf({ exp: 1 })), {
      audit: true,
      outcome: 'expired',
      failure: 'tokenExpired',
      code: 'token_expired',
      why: 'Token expired',
      address: '127.0.0.1',
      user: 'ada',
    });
  });

  it('names the user of a token that grants nothing here', async () => {
    const { outcome, failure, user } = await refusal(await tokenOf({ channel: undefined }));
    assert.deepEqual(
      { outcome, failure, user },
      { outcome: 'forbidden', failure: 'forbidden', user: 'ada' },
    );
  });

  it('names no user whom only an unsigned or foreign token names', async () => {
    const { outcome, failure, user } = await refusal(await tokenOf({}, OTHER_KEY));
    assert.deepEqual(
      { outcome, failure, user },
      { outcome: 'refused', failure: 'tokenInvalid', user: undefined },
    );
  });

  it('tells of pages of other sites', async () => {
    const request = { ...(await tokenOf({})), lines: ['Origin: https://evil.test'] };
    const environment = { POSTERN_ALLOWED_ORIGINS: 'https://app.test' };
    const { outcome, failure } = await refusal(request, { environment });
    assert.deepEqual({ outcome, failure }, { outcome: 'forbidden', failure: 'originDenied' });
  });

  it('tells of a session that is cut off at the end of its token, and whose it was', async () => {
    const gateway = await startGateway(scope);
    const client = await gateway.client({ ...CLAIMS, exp: Date.now() / 1000 + 0.5 });
    await client.closed();
    const [line, ...others] = auditOf(gateway);
    assert.deepEqual(others, []);
    assert.equal(line?.event, 'session_ended');
    const { session, seconds, ...fields } = line.fields;
    assert.match(String(session), /^[0-9a-f-]{36}$/);
    assert.ok(Number(seconds) <= 60);
    assert.deepEqual(fields, {
      audit: true,
      outcome: 'expired',
      failure: 'tokenExpired',
      code: 3001,
      by: 'gateway',
      address: '127.0.0.1',
      user: 'ada',
      ignored: 0,
    });
  });

  it('tells of a client that is sent away for what it sent', async () => {
    const gateway = await startGateway(scope);
    const client = await gateway.client(CLAIMS);
    client.send('x'.repeat(65_537));
    await client.closed();
    const [line] = auditOf(gateway);
    assert.equal(line?.fields['outcome'], 'limited');
    assert.equal(line.fields['failure'], 'messageTooBig');
  });

  it('is none for clients that come and go, nor for what they close with', async () => {
    const gateway = await startGateway(scope);
    for (const code of [1000, 1001, 3001, 4008]) await (await gateway.client(CLAIMS)).close(code);
    const ended = gateway.events.filter(({ event }) => event === 'session_ended');
    assert.equal(ended.length, 4);
    assert.deepEqual(auditOf(gateway), []);
    assert.equal(ended[0]?.fields['user'], 'ada');
  });

  it('is none for what is no client’s doing: a gateway that stops, a database that is away', async () => {
    const gateway = await startGateway(scope, {
      environment: { POSTERN_ON_LISTENER_LOSS: 'exit' },
    });
    const client = await gateway.client(CLAIMS);
    await gateway.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'LISTEN%' AND application_name = 'postern'`);
    await gateway.logged('listener_lost');
    const { status } = await handshake(gateway.port, await tokenOf({}));
    assert.equal(status, 503);
    await gateway.gateway.stop();
    await client.closed();
    assert.deepEqual(auditOf(gateway), []);
  });

  it('stands among the events that the table says can be one', async () => {
    const gateway = await startGateway(scope);
    await handshake(gateway.port, await tokenOf({ exp: 1 }));
    for (const { event } of auditOf(gateway)) {
      const row: EventRow = eventTable[event];
      assert.equal(row.audit, true, event);
    }
  });

  it('is written whatever the level, one JSON object a line', async () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const log = createLog({ level: 'fatal', format: 'json', destination });
    const { port } = await startGateway(scope, { hooks: { log } });
    await handshake(port, await tokenOf({ exp: 1, sub: 'ada\n{"level":"fatal"}' }));

    assert.equal(lines.length, 1);
    const { time, ...entry } = JSON.parse(lines[0] ?? '');
    assert.ok(Number.isFinite(Date.parse(time)));
    assert.deepEqual(entry, {
      level: 'info',
      name: 'postern',
      audit: true,
      outcome: 'expired',
      failure: 'tokenExpired',
      code: 'token_expired',
      why: 'Token expired',
      address: '127.0.0.1',
      user: 'ada\uFFFD{"level":"fatal"}',
      event: 'handshake_refused',
    });
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failures } from '#client/protocol.js';
import type { EndingName } from '#client/protocol.js';
import type { Close, ProgramSession } from 'postern';

import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { startMetered } from '../support/metered.ts';
import type { MeteredGateway } from '../support/metered.ts';
import { PREAUTH_ENVIRONMENT } from '../support/preauth.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { enter, tickets } from '../support/way-in.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

/** What a deployment could give; the first as the short name that the option has for it. */
const CODES = {
  tokenExpired: 1008,
  revoked: 4600,
  forbidden: 3503,
  unauthorized: 4301,
  tokenInvalid: 4602,
  notYetValid: 4302,
  bindingMismatch: 4301,
  badMessage: 4603,
  slowConsumer: 1013,
  connectionLimit: 4604,
} as const satisfies Partial<Record<EndingName, number>>;

const POSTERN_CLOSE_CODES = Object.entries(CODES)
  .map(([name, code]) => `${name}=${code}`)
  .join()
  .replace('tokenExpired', 'expired');

const CHAT = { mode: 'rw', channel: 'chat' } as const;

async function setUp(environment: Readonly<Record<string, string>> = {}) {
  const sessions: ProgramSession[] = [];
  const ends: Close[] = [];
  const clock = new JumpingClock();
  const gateway = await startMetered(scope, {
    environment: {
      ...PREAUTH_ENVIRONMENT,
      POSTERN_CLOSE_CODES,
      POSTERN_HANDSHAKE_ERRORS: 'close',
      ...environment,
    },
    hooks: {
      clock,
      onSession: (session) => {
        sessions.push(session);
        void session.ended.then((end) => ends.push(end));
      },
    },
  });
  /** Lets in one of either protocol, and then ends the token that both have shown. */
  const expireBoth = async (): Promise<void> => {
    const claims = { ...CHAT, exp: clock.inSeconds(600) };
    const clients = [await gateway.client(claims), await connect(gateway, await bearerOf(claims))];
    await until('both sessions', () => sessions.length >= 2);
    clock.pass(600_000);
    for (const client of clients) await assertTold(client, 'tokenExpired');
  };
  return { ...gateway, sessions, ends, expireBoth };
}

/** Connects to `/ws`, with a bearer or with nothing. */
async function connect({ wsUrl }: MeteredGateway, bearer?: string): Promise<WsClient> {
  const headers = bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` };
  return await WsClient.connect(`${wsUrl}/ws`, { protocols: ['postern.v1'], headers });
}

const bearerOf = (claims: object = {}): Promise<string> =>
  signToken({ ...CHAT, exp: inSeconds(600), ...claims });

/** The client was told this failure, by the code that it has here, and by the reason that it always has. */
async function assertTold(client: WsClient, name: keyof typeof CODES): Promise<void> {
  const { reason } = failures[name];
  assert.deepEqual(await client.closed(), { code: CODES[name], reason });
}

/** The event that names the failure, and the counter that does. */
async function assertRefused(gateway: MeteredGateway, failure: string): Promise<void> {
  const { event, fields } = gateway.events.at(-1) ?? assert.fail();
  assert.deepEqual([event, fields['failure']], ['handshake_refused', failure]);
  const counter = `postern_handshakes_refused_total{failure="${failure}"}`;
  assert.equal((await gateway.scrape()).get(counter), 1);
}

describe('A close code that a deployment has put in place of another', () => {
  it('ends a session of either protocol, while log, metric and hook name the failure', async () => {
    const gateway = await setUp();
    await gateway.expireBoth();
    const end: Close = { code: 1008, by: 'gateway', failure: 'tokenExpired' };
    assert.deepEqual(gateway.ends, [end, end]);
    const { failure, code, outcome } = await gateway.logged('session_ended');
    assert.deepEqual([failure, code, outcome], ['tokenExpired', 1008, 'expired']);
    const counter = 'postern_sessions_ended_total{by="gateway",failure="tokenExpired"}';
    assert.equal((await gateway.scrape()).get(counter), 2);
  });

  it('is not mixed up with the failure that the table has it for', async () => {
    const gateway = await setUp();
    const client = await gateway.client({ ...CHAT, exp: inSeconds(600) });
    await client.close(1008);
    assert.deepEqual(gateway.ends, [{ code: 1008, by: 'client', failure: 'tooManyFragments' }]);
    const ended = await gateway.logged('session_ended');
    assert.deepEqual([ended['by'], ended['audit']], ['client', undefined]);
  });

  it('ends who is revoked, who is thrown out by the program, and who says what is no message', async () => {
    const gateway = await setUp();
    const revoked = await connect(gateway, await bearerOf({ sub: 'ada' }));
    await gateway.query(`SELECT postern.revoke(sub => 'ada')`);
    await assertTold(revoked, 'revoked');

    const thrownOut = await gateway.client({ ...CHAT, exp: inSeconds(600) });
    await until('the session', () => gateway.sessions.length === 2);
    gateway.sessions[1]?.end();
    await assertTold(thrownOut, 'forbidden');

    const page = await connect(gateway, await bearerOf());
    page.send('hello');
    await assertTold(page, 'badMessage');
    assert.deepEqual(
      gateway.ends.map(({ failure }) => failure),
      ['revoked', 'forbidden', 'badMessage'],
    );
  });

  it('ends who waits: by a first message that is none, or that shows what does not hold', async () => {
    const gateway = await setUp();
    const stranger = await connect(gateway);
    stranger.send('hello');
    await assertTold(stranger, 'unauthorized');
    await assertRefused(gateway, 'unauthorized');

    const late = await connect(gateway);
    const token = await bearerOf({ exp: 1 });
    late.send(JSON.stringify({ type: 'auth', id: 1, token }));
    await assertTold(late, 'tokenExpired');
    await assertRefused(gateway, 'tokenExpired');
  });

  it('refuses a handshake, where that is done by a close code', async () => {
    const gateway = await setUp({ POSTERN_CONNECTIONS_PER_USER: '1' });
    for (const [failure, claims] of [
      ['tokenExpired', { exp: 1 }],
      ['notYetValid', { nbf: inSeconds(60) }],
      ['forbidden', { channel: undefined }],
      ['tokenInvalid', { exp: 'soon' }],
    ] as const) {
      await assertTold(await connect(gateway, await bearerOf(claims)), failure);
      await assertRefused(gateway, failure);
    }
    const [ada, bob] = [
      await tickets(gateway.port),
      await tickets(gateway.port, { claims: { sub: 'bob' } }),
    ];
    await assertTold(await enter(gateway.port, { ...ada, token: bob.token }), 'bindingMismatch');
    const first = await enter(gateway.port, ada);
    await assertTold(await enter(gateway.port, ada), 'connectionLimit');
    await first.close();
  });

  it('leaves alone what has no other one: the end of the gateway is 1001', async () => {
    const gateway = await setUp();
    const clients = [
      await gateway.client({ ...CHAT, exp: inSeconds(600) }),
      await connect(gateway, await bearerOf()),
      await connect(gateway),
    ];
    await gateway.gateway.stop();
    for (const client of clients)
      assert.deepEqual(await client.closed(), { code: 1001, reason: 'Going away' });
  });

  it('is told to the meta channel', async () => {
    const gateway = await setUp({ POSTERN_META_CHANNEL: 'meta', POSTERN_META_CLOSE: 'true' });
    const moderator = await gateway.client({ mode: 'r', channel: 'meta', exp: inSeconds(6_000) });
    await gateway.expireBoth();
    const closed = await until('both ends', () => {
      const ends = moderator.messages.filter((text) => text.includes('ConnectionClose'));
      return ends.length === 2 && ends;
    });
    assert.deepEqual(
      closed.map((text) => JSON.parse(text).code),
      [1008, 1008],
    );
    await moderator.close();
  });

  it('is warned of at the start when clients are led astray by it', async () => {
    const { events } = await setUp();
    const said = events.filter(({ event }) => event === 'close_code_misleads');
    assert.deepEqual(
      said.map(({ fields }) => fields),
      [{ failure: 'tokenExpired', code: 1008, retry: 'new-token', taken: 'no' }],
    );
  });
});

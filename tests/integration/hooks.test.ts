import assert from 'node:assert/strict';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

import type { Applicant, ProgramSession } from 'postern';

import { CHAT, decision, emptyServer, hearsItself, sign, startHooked } from '../support/hooked.ts';
import type { Hooks } from '../support/hooked.ts';
import { failOnLeaks } from '../support/leaks.ts';
import type { ListeningServer } from '../support/program-server.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { inTime, until } from '../support/wait.ts';

const READER = { ...CHAT, mode: 'r', sub: 'reader' } as const;
const NO_CHANNELS = [400, 'No allowed channels'];
const INTERNAL = [500, 'Internal error'];

const scope = failOnLeaks();
const start = (hooks: Hooks, place?: ListeningServer) => startHooked(scope, hooks, place);

/** Knocks, and waits for the answer as long as it takes. */
async function knockPatiently(port: number): Promise<readonly unknown[]> {
  const headers = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Version': '13',
  };
  const path = `/postern/${await sign(CHAT)}`;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ port, path, headers, agent: false }, resolve).on('error', reject);
  });
  return [response.statusCode, await text(response)];
}

describe('What a program authorizes', () => {
  it('is asked for whoever has a good token, and for nobody else', async () => {
    const applicants: Applicant[] = [];
    const { connect, knock } = await start({
      authorize: (applicant) => applicants.push(applicant) > 0,
    });
    await connect(READER);
    assert.equal((await knock({ ...CHAT, exp: 1 }))[0], 400);
    assert.equal((await knock({ ...CHAT, channels: [] }))[0], 400);

    const [{ request, ...rest } = assert.fail('nobody was asked for'), ...others] = applicants;
    assert.match(request.url ?? '', /^\/postern\/ey/);
    assert.deepEqual(rest, {
      claims: READER,
      channels: ['chat'],
      readable: ['chat'],
      writable: [],
    });
    assert.deepEqual(others, []);
  });

  it('is let in for true only, at once or later', async () => {
    const answers: Readonly<Record<string, Hooks['authorize']>> = {
      yes: () => true,
      'yes later': () => Promise.resolve(true),
      no: () => false,
      'no later': () => Promise.resolve(false),
      'not quite yes': () => JSON.parse('1'),
      'nothing at all': () => JSON.parse('null'),
    };
    const { connect, knock, fieldsOf } = await start({
      authorize: (applicant) => answers[String(applicant.claims['sub'])]?.(applicant) ?? false,
    });
    for (const sub of ['yes', 'yes later']) await hearsItself(await connect({ ...CHAT, sub }));
    for (const sub of Object.keys(answers).slice(2)) {
      assert.deepEqual(await knock({ ...CHAT, sub }), NO_CHANNELS, sub);
      const { failure, user } = fieldsOf('handshake_refused').at(-1) ?? {};
      assert.deepEqual([failure, user], ['forbidden', sub]);
    }
    assert.equal(fieldsOf('session_started').length, 2);
  });

  it('gets no more than its token says, whatever the program does to its copies', async () => {
    const { connect } = await start({
      authorize: ({ claims, channels, readable, writable }) => {
        Object.assign(claims, { sub: 'root' });
        for (const list of [channels, readable, writable]) Object.assign(list, ['secrets']);
        return true;
      },
    });
    const client = await connect();
    client.send('hello');
    assert.match(await client.message(), /"channel":"chat","claims":.*"sub":"ada"/);
  });

  it('is refused when the program fails, which costs nobody else anything', async () => {
    const faults: readonly NonNullable<Hooks['authorize']>[] = [
      () => assert.fail('at once'),
      () => Promise.reject(new Error('later')),
    ];
    for (const fault of faults) {
      const { connect, knock, fieldsOf } = await start({
        authorize: (applicant) => applicant.claims['sub'] === 'reader' || fault(applicant),
      });
      const other = await connect({ ...CHAT, sub: 'reader' });
      assert.deepEqual(await knock(), INTERNAL);
      assert.match(String(fieldsOf('authorize_failed')[0]?.['error']), /at once|later/);
      assert.equal(fieldsOf('handshake_refused')[0]?.['failure'], 'internal');
      await hearsItself(other);
    }
  });

  it('is refused when the program does not answer in time, and meanwhile others come in', async () => {
    const { authorize, asked, fail } = decision();
    const { port, connect, fieldsOf } = await start({ authorize });
    const refused = knockPatiently(port);
    await asked;
    const other = await connect({ ...CHAT, sub: 'grace' });
    await hearsItself(other);
    assert.deepEqual(await inTime('the refusal', refused, 30_000), INTERNAL);
    assert.match(String(fieldsOf('authorize_failed')[0]?.['error']), /within 5 s/);

    // Nobody waits for it any more: it must not end the process.
    fail(new Error('too late'));
    await hearsItself(other);
    assert.equal(fieldsOf('session_started').length, 1);
  });

  it('is no session when the client left meanwhile, and takes nobody’s place', async () => {
    const { authorize, asked, decide } = decision();
    const told: unknown[] = [];
    const { port, connect, fieldsOf } = await start({
      authorize,
      onSession: ({ claims }) => void told.push(claims['sub']),
      connectionsPerAddress: 1,
      connectionsPerUser: 1,
    });
    const leaver = await RawSocket.connect(port);
    const answer = leaver.upgrade(`/postern/${await sign(CHAT)}`);
    await asked;
    leaver.destroy();
    await assert.rejects(answer);

    // While the program still thinks, the only place of this address is free again.
    const other = await until('a place', () =>
      connect({ ...CHAT, sub: 'grace' }).catch(() => undefined),
    );
    decide(true);
    await hearsItself(other);
    await other.close(1000);
    // Nor did the leaver keep the only place of its user.
    const back = await until('a place', () => connect().catch(() => undefined));
    await hearsItself(back);
    assert.deepEqual(told, ['grace', 'ada']);
    assert.equal(fieldsOf('session_started').length, 2);
  });

  it('is not let in when the gateway stopped while the program thought', async () => {
    const { authorize, asked, decide } = decision();
    const { gateway, knock, fieldsOf } = await start({ authorize });
    const refused = knock();
    await asked;
    await gateway.stop();
    decide(true);
    assert.deepEqual(await refused, [503, 'Going away']);
    assert.equal(fieldsOf('session_started').length, 0);
  });
});

describe('The sessions that a program is told of', () => {
  /** A gateway that records what it tells, and then does something. */
  async function recorded(then: (session: ProgramSession) => void | Promise<void> = () => {}) {
    const sessions: ProgramSession[] = [];
    const started = await start({
      onSession: (session) => {
        sessions.push(session);
        return then(session);
      },
    });
    return { ...started, session: () => until('the session', () => sessions[0]), sessions };
  }

  it('are told once each, with their end', async () => {
    const { connect, session, sessions, fieldsOf } = await recorded();
    const client = await connect();
    const { id, claims, channels, ended } = await session();
    assert.deepEqual([claims, channels], [CHAT, ['chat']]);
    assert.equal(fieldsOf('session_started')[0]?.['session'], id);
    await client.close(1000);
    assert.deepEqual(await ended, { code: 1000, by: 'client', failure: 'normal' });
    assert.equal(sessions.length, 1);
  });

  it('can be ended by it, once', async () => {
    const { connect, session, fieldsOf } = await recorded();
    const [client, other] = [await connect(), await connect()];
    const { end, ended } = await session();
    end();
    end();
    assert.deepEqual(await ended, { code: 3003, by: 'gateway', failure: 'forbidden' });
    assert.deepEqual(await client.closed(), { code: 3003, reason: 'Forbidden' });
    assert.equal(fieldsOf('session_ended').length, 1);
    await hearsItself(other);
  });

  it('can be ended while it is told of them', async () => {
    const { connect, session } = await recorded(({ end }) => end());
    const client = await connect();
    assert.deepEqual(await client.closed(), { code: 3003, reason: 'Forbidden' });
    assert.deepEqual(await (await session()).ended, {
      code: 3003,
      by: 'gateway',
      failure: 'forbidden',
    });
  });

  it('go on when it fails, at once or later', async () => {
    for (const fault of [() => assert.fail('a bug'), () => Promise.reject(new Error('a bug'))]) {
      const { connect, session, fieldsOf } = await recorded(fault);
      const client = await connect();
      await hearsItself(client);
      const { id } = await session();
      const [{ session: failed, error } = {}] = fieldsOf('on_session_failed');
      assert.deepEqual([failed, /a bug/.test(String(error))], [id, true]);
    }
  });

  it('are those of its own gateway, where two share a server', async () => {
    const place = await emptyServer(scope);
    const seen: string[] = [];
    const startAt = (basePath: string, may: boolean) =>
      start(
        {
          basePath,
          authorize: () => seen.push(`${basePath} asked`) > 0 && may,
          onSession: () => void seen.push(`${basePath} told`),
        },
        place,
      );
    const [one, two] = [await startAt('/one', true), await startAt('/two', false)];
    await hearsItself(await one.connect());
    assert.deepEqual(await two.knock(), NO_CHANNELS);
    assert.deepEqual(seen, ['/one asked', '/one told', '/two asked']);
  });
});

import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { failures } from '@postern/client/protocol';
import type { V1Visitor } from '#gateway/session/admission.js';
import { ada } from './antechamber.ts';
import { arrive, AUTH, PING, typesOf } from './arrival.ts';
import { FakeSocket } from './fake-socket.ts';

const OK = { type: 'ok', id: 7 };

describe('A connection without a credential', () => {
  it('becomes a session by an auth: welcome first, then ok', async () => {
    const { chamber, wait, socket, client, tokens, denials, say, answered } = arrive();
    assert.deepEqual([wait.size, chamber.registry.size, client.id], [1, 0, undefined]);
    say(AUTH);
    assert.deepEqual([tokens, socket.messages, wait.size], [['t'], [], 1]);
    await answered(ada);
    assert.deepEqual(typesOf(socket), ['welcome', 'ok']);
    assert.deepEqual(socket.messages[1], OK);
    assert.deepEqual([wait.size, chamber.registry.all()[0]?.id, denials], [0, client.id, []]);
  });

  it('is spoken for by its session from then on', async () => {
    const { chamber, socket, client, say, answered } = arrive();
    say(AUTH);
    const refreshed: string[] = [];
    const refresh: V1Visitor['refresh'] = (_session, token) => {
      refreshed.push(token);
      return Promise.resolve({ failure: failures.tokenInvalid });
    };
    await answered({ ...ada, expiresAt: chamber.clock.wallMs() / 1000 + 60, refresh });
    say(PING);
    assert.deepEqual(socket.messages[2], { type: 'pong', id: 8 });
    say(AUTH);
    assert.deepEqual(refreshed, ['t']);

    for (let round = 0; round < 2; round += 1) chamber.beat();
    client.alive();
    chamber.beat();
    assert.deepEqual(socket.done, ['ping', 'ping', 'ping']);
    chamber.pass(60_000);
    assert.equal(socket.done.at(-1), 'close 3001 JWT expired');
  });

  it('has its pings counted by its session from then on', async (t) => {
    const { chamber, client, say, answered } = arrive();
    say(AUTH);
    await answered(ada);
    const [session] = chamber.registry.all();
    assert.ok(session !== undefined);
    const pinged = t.mock.method(session, 'pinged');
    client.pinged();
    assert.equal(pinged.mock.callCount(), 1);
  });

  it('is lost as a session is, once it is one', async () => {
    const { chamber, client, say, answered } = arrive();
    say(AUTH);
    await answered(ada);
    client.lose(1001);
    assert.equal(chamber.registry.size, 0);
    assert.deepEqual(chamber.logged.at(-1)?.fields?.['code'], 1001);
  });

  it('is ended as a session is, once it is one, and is not denied', async () => {
    const { chamber, socket, client, denials, say, answered } = arrive();
    say(AUTH);
    await answered(ada);
    client.end(failures.messageTooBig);
    assert.deepEqual(socket.done, ['close 1009 Message too big']);
    assert.deepEqual([chamber.registry.size, denials], [0, []]);
  });

  it('is delivered nothing, and is nowhere among the sessions', () => {
    const { chamber, socket, say } = arrive();
    say(AUTH);
    for (let round = 0; round < 4; round += 1) chamber.beat();
    assert.deepEqual([chamber.registry.size, chamber.hub.size, chamber.logged], [0, 0, []]);
    assert.deepEqual([socket.messages, socket.done], [[], []]);
  });
});

describe('A connection that shows no credential', () => {
  it('is closed with 3008 when five seconds have passed, and not before', () => {
    const { chamber, wait, socket, denials } = arrive();
    chamber.pass(4_999);
    assert.deepEqual([socket.done, wait.size], [[], 1]);
    chamber.pass(1);
    assert.deepEqual([socket.done, wait.size], [['close 3008 Timeout'], 0]);
    assert.deepEqual(denials, [{ failure: failures.timeout }]);
  });

  it('is closed likewise when its auth comes too late for a clock that has not ticked', () => {
    const { chamber, socket, tokens, say } = arrive();
    chamber.clock.pass(5_000);
    say(AUTH);
    assert.deepEqual([socket.done, tokens], [['close 3008 Timeout'], []]);
  });

  it('is closed in time when somebody sets the clock back', () => {
    const { chamber, socket } = arrive();
    chamber.clock.setWall(-3_600_000);
    chamber.pass(5_000);
    assert.deepEqual(socket.done, ['close 3008 Timeout']);
  });

  it('may be late with the answer, when the question came in time', async () => {
    const { chamber, socket, say, answered } = arrive();
    chamber.pass(4_999);
    say(AUTH);
    chamber.pass(8_000);
    assert.deepEqual(socket.done, []);
    await answered(ada);
    assert.deepEqual(typesOf(socket), ['welcome', 'ok']);
  });

  for (const text of [
    'hello',
    '',
    PING,
    '{"type":"auth","token":"t"}',
    '{"type":"auth","id":7}',
    '{"type":"auth","id":7,"token":""}',
    '[]',
  ])
    it(`is closed with 3000 when it says ${JSON.stringify(text)} first`, () => {
      const { wait, socket, tokens, denials, say } = arrive();
      say(text);
      say(AUTH);
      assert.deepEqual([socket.done, socket.messages], [['close 3000 Unauthorized'], []]);
      assert.deepEqual([tokens, denials], [[], [{ failure: failures.unauthorized }]]);
      assert.equal(wait.size, 0);
    });

  it('is closed with 3000 for a binary message, an auth even', () => {
    const { socket, client, tokens } = arrive();
    client.receive(Buffer.from(AUTH), 'binary');
    assert.deepEqual([socket.done, tokens], [['close 3000 Unauthorized'], []]);
  });

  it('that leaves is forgotten, and was not denied', (t) => {
    const { chamber, wait, socket, client, denials, say } = arrive();
    const removed = t.mock.method(chamber.wheel, 'remove');
    client.lose(1001);
    assert.deepEqual(removed.mock.calls[0]?.arguments, [client]);
    assert.equal(wait.size, 0);
    say(AUTH);
    chamber.pass(5_000);
    assert.deepEqual([socket.done, denials], [[], []]);
  });
});

describe('A connection whose token is being looked at', () => {
  for (const [what, failure] of [
    ['nobody signed', failures.tokenInvalid],
    ['has ended', failures.tokenExpired],
    ['grants nothing', failures.forbidden],
    ['does not hold yet', failures.notYetValid],
    ['nobody can look at now', failures.backendUnavailable],
    ['comes in a shutdown', failures.goingAway],
  ] as const)
    it(`is closed by the code of the failure when it ${what}`, async () => {
      const { wait, chamber, socket, denials, say, answered } = arrive();
      say(AUTH);
      const denial = { failure, claims: { sub: 'ada' } };
      await answered(denial);
      assert.deepEqual(socket.done, [`close ${failure.close} ${failure.reason}`]);
      assert.deepEqual([wait.size, chamber.registry.size, denials], [0, 0, [denial]]);
      say(AUTH);
      assert.deepEqual([socket.messages, socket.done.length], [[], 1]);
    });

  it('is closed with 4505 when it does not wait for the answer, which comes to nothing', async () => {
    for (const text of [AUTH, PING, 'hello']) {
      const { wait, chamber, socket, tokens, denials, say, answered } = arrive();
      say(AUTH);
      say(text);
      assert.deepEqual([socket.done, tokens], [['close 4505 Bad message'], ['t']]);
      await answered(ada);
      assert.deepEqual([wait.size, chamber.registry.size, socket.messages], [0, 0, []]);
      assert.deepEqual(denials, [{ failure: failures.badMessage }]);
    }
  });

  it('becomes no session when its client has left meanwhile, or is leaving', async () => {
    for (const leave of ['lost', 'closing'] as const) {
      const { wait, chamber, socket, client, denials, say, answered } = arrive();
      say(AUTH);
      if (leave === 'lost') client.lose(1006);
      else socket.isOpen = false;
      await answered(ada);
      assert.deepEqual([wait.size, chamber.registry.size, chamber.logged], [0, 0, []]);
      assert.deepEqual([socket.messages, socket.done, denials], [[], [], []]);
    }
  });

  it('is closed with 1011 when the door throws, which is logged', async () => {
    const { chamber, wait, socket, door, say } = arrive();
    say(AUTH);
    const error = new Error('A bug');
    door.fail(error);
    await turn();
    assert.deepEqual([socket.done, wait.size], [['close 1011 Internal error'], 0]);
    assert.deepEqual(chamber.logged, [{ event: 'handshake_failed', fields: { error } }]);
  });

  it('is closed with 1011 when the admission throws, which is logged', async () => {
    const error = new Error('A bug');
    const { chamber, wait, socket, say, answered } = arrive(undefined, () => {
      throw error;
    });
    say(AUTH);
    await answered(ada);
    assert.deepEqual([socket.done, wait.size], [['close 1011 Internal error'], 0]);
    assert.deepEqual(chamber.logged, [{ event: 'handshake_failed', fields: { error } }]);
  });

  it('is closed once, whatever else is said about it', async () => {
    const { socket, client, denials, say, answered } = arrive();
    say(AUTH);
    client.end(failures.messageTooBig);
    client.end(failures.goingAway);
    await answered({ failure: failures.tokenInvalid });
    client.lose(1006);
    assert.deepEqual(socket.done, ['close 1009 Message too big']);
    assert.deepEqual(denials, [{ failure: failures.messageTooBig }]);
  });
});

describe('A connection that waits', () => {
  it('may send pings and pongs, within the rate', () => {
    for (const sign of ['pinged', 'alive'] as const) {
      const { socket, client, say, tokens } = arrive({ perSecond: 0.001, burst: 3 });
      for (let n = 0; n < 3; n += 1) client[sign]();
      assert.deepEqual(socket.done, []);
      client[sign]();
      client[sign]();
      assert.deepEqual(socket.done, ['close 4029 Rate limited']);
      say(AUTH);
      assert.deepEqual(tokens, []);
    }
  });

  it('is sent away by a shutdown, whether its token is being looked at or not', async () => {
    const { chamber, wait, socket, denials, say, answered } = arrive();
    const other = new FakeSocket();
    wait.add(other, {
      authorize: () => assert.fail('Nobody has shown a token'),
      denied: (denial) => void denials.push(denial),
    });
    say(AUTH);
    wait.endAll(failures.goingAway);
    wait.endAll(failures.goingAway);
    await answered(ada);
    assert.deepEqual(socket.done, ['close 1001 Going away']);
    assert.deepEqual(other.done, socket.done);
    assert.deepEqual([wait.size, chamber.registry.size], [0, 0]);
    const denial = { failure: failures.goingAway };
    assert.deepEqual(denials, [denial, denial]);
  });
});

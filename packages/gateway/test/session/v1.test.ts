import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { failures } from '@postern/client/protocol';
import fc from 'fast-check';
import type { ProgramSession } from '#gateway/session/announce.js';
import { ada, Antechamber } from './antechamber.ts';

const UNKNOWN_TYPE = 'The type of the message is not known';
const NOW = 1_800_000_000;

function badMessage(id: number, message: string) {
  return { type: 'error', id, code: 'bad_message', message, retry: 'no' };
}

describe('A session of postern.v1', () => {
  it('is welcomed before all else, and told what it is and may', () => {
    const { socket, session } = new Antechamber().enter({ expiresAt: NOW + 60.5 });
    assert.deepEqual(socket.messages, [
      {
        type: 'welcome',
        session: session.id,
        user: 'ada',
        expiresAt: NOW + 60.5,
        serverTime: NOW,
        channels: { news: 'r' },
        pingSeconds: 30,
        maxPayloadBytes: 65_536,
      },
    ]);
  });

  it('is welcomed without a user where the token names none, and without an end where it has none', () => {
    for (const claims of [{}, { sub: 7 }, { sub: null }]) {
      const { socket } = new Antechamber().enter({ claims });
      const [welcome] = socket.messages;
      assert.ok(typeof welcome === 'object' && welcome !== null);
      assert.equal('user' in welcome, false);
      assert.equal('expiresAt' in welcome, false);
    }
  });

  it('is shown names and patterns with their modes, whatever they are', () => {
    const entries = Object.fromEntries([
      ['news', 'r'],
      ['room:*', 'rw'],
      ['__proto__', 'w'],
    ] as const);
    const { socket } = new Antechamber().enter({ grant: { ...ada.grant, entries } });
    const shown = JSON.stringify(socket.messages[0]);
    assert.match(shown, /"channels":\{"news":"r","room:\*":"rw","__proto__":"w"\}/);
  });

  it('is shown when its login ends, when that is before its token', () => {
    const chamber = new Antechamber({ expLeeway: 30 });
    const { socket } = chamber.enter({ expiresAt: NOW + 60, authExpiresAt: NOW + 40 });
    assert.match(JSON.stringify(socket.messages), new RegExp(`"expiresAt":${NOW + 40},`));
  });

  it('is shown the end of its token with the leeway by which it may stay', () => {
    const chamber = new Antechamber({ expLeeway: 30 });
    const { socket } = chamber.enter({ expiresAt: NOW - 10 });
    assert.match(JSON.stringify(socket.messages), new RegExp(`"expiresAt":${NOW + 20},`));
  });

  it('reads no channel, whatever it is granted', () => {
    const chamber = new Antechamber();
    const { socket } = chamber.enter();
    chamber.hub.broadcast('news', () => assert.fail('somebody is subscribed'));
    assert.deepEqual([chamber.hub.size, socket.messages.length], [0, 1]);
  });

  it('is counted among the sessions, and not any more when it has ended', () => {
    const chamber = new Antechamber();
    const { session } = chamber.enter();
    assert.deepEqual(chamber.registry.all(), [session]);
    session.lose(1000);
    assert.equal(chamber.registry.size, 0);
    assert.deepEqual(
      chamber.logged.map(({ event }) => event),
      ['session_started', 'session_ended'],
    );
    assert.equal(chamber.logged[0]?.fields?.['protocol'], 'v1');
    assert.equal(chamber.logged[0]?.fields?.['channels'], 1);
  });

  it('is told to the embedding program with what it is granted', async () => {
    const told: ProgramSession[] = [];
    const chamber = new Antechamber({}, { onSession: (session) => void told.push(session) });
    const { session } = chamber.enter();
    assert.deepEqual(
      told.map(({ id, channels }) => ({ id, channels })),
      [{ id: session.id, channels: ['news'] }],
    );
    session.lose(1000);
    assert.deepEqual(await told[0]?.ended, { code: 1000, by: 'client', failure: 'normal' });
  });

  it('is pinged, and cut off when it answers none', () => {
    const chamber = new Antechamber();
    const { socket } = chamber.enter();
    for (let round = 0; round < 3; round += 1) chamber.beat();
    assert.deepEqual(socket.done, ['ping', 'ping', 'terminate']);
  });
});

describe('A command of postern.v1', () => {
  it('ping is answered by pong', () => {
    const { socket, say } = new Antechamber().enter();
    say({ type: 'ping', id: 7 });
    assert.deepEqual(socket.messages.slice(1), [{ type: 'pong', id: 7 }]);
  });

  it('that nobody knows is answered, and the connection stays', () => {
    const { socket, say } = new Antechamber().enter();
    for (const type of ['shout', 'welcome', '__proto__']) say({ type, id: 7 });
    say({ type: 'ping', id: 8 });
    const error = badMessage(7, UNKNOWN_TYPE);
    assert.deepEqual(socket.messages.slice(1), [error, error, error, { type: 'pong', id: 8 }]);
    assert.deepEqual(socket.done, []);
  });

  it('is counted as a message, with its bytes, answered or not', () => {
    const chamber = new Antechamber({ messagesPerSecond: 0.001, messageBurst: 1 });
    const { say } = chamber.enter();
    say('{"type":"ping","id":7}');
    say('{"type":"ping","id":8}');
    assert.equal(chamber.meters.counter('messagesReceived').value, 2);
    assert.equal(chamber.meters.counter('messageBytesReceived').value, 44);
  });

  it('gets exactly one reply, by its id, whatever it says', async () => {
    const ids = fc.integer({ min: 1, max: 2 ** 31 - 1 });
    const types = fc.oneof(fc.constantFrom('ping', 'auth', 'toString'), fc.jsonValue());
    const token = fc.oneof(fc.string(), fc.jsonValue());
    const said = fc.record({ id: ids, type: types, token });
    await fc.assert(
      fc.asyncProperty(fc.array(said, { maxLength: 20 }), async (commands) => {
        const { socket, say } = new Antechamber().enter();
        for (const command of commands) say(command);
        await turn();
        // A refresh is answered when it has been decided.
        const byNumber = (one: number, other: number): number => one - other;
        const answered = socket.messages.slice(1).map((reply) => Object(reply).id);
        assert.deepEqual(
          answered.toSorted(byNumber),
          commands.map(({ id }) => id).toSorted(byNumber),
        );
        assert.deepEqual(socket.done, []);
      }),
    );
  });
});

describe('What is no message of postern.v1', () => {
  for (const text of ['', 'hello', '[]', '{}', '{"type":"ping"}', '{"type":"ping","id":0}'])
    it(`ends the session with 4505: ${JSON.stringify(text)}`, () => {
      const { socket, say } = new Antechamber().enter();
      say(text);
      say({ type: 'ping', id: 1 });
      assert.deepEqual(socket.done, ['close 4505 Bad message']);
      assert.equal(socket.messages.length, 1);
    });

  it('ends the session with 1003 when it is binary, a command even', () => {
    const { socket, session } = new Antechamber().enter();
    session.receive(Buffer.from('{"type":"ping","id":1}'), 'binary');
    assert.deepEqual(socket.done, ['close 1003 Binary unsupported']);
    assert.equal(socket.messages.length, 1);
  });

  it('never ends anything but the session that sent it', () => {
    const chamber = new Antechamber();
    const { socket } = chamber.enter();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { socket: own, say } = chamber.enter();
        say(text);
        assert.deepEqual(own.done, ['close 4505 Bad message']);
      }),
    );
    assert.deepEqual([socket.done, chamber.registry.size], [[], 1]);
  });
});

describe('The end of a session of postern.v1', () => {
  it('comes with its token, by 3001, and nothing counts after it', () => {
    const chamber = new Antechamber({ expLeeway: 5 });
    const { socket, say } = chamber.enter({ expiresAt: NOW + 60 });
    chamber.pass(64_999);
    say({ type: 'ping', id: 1 });
    chamber.clock.pass(1);
    say({ type: 'ping', id: 2 });
    assert.deepEqual(socket.messages.at(-1), { type: 'pong', id: 1 });
    assert.deepEqual(socket.done, ['close 3001 JWT expired']);
  });

  it('comes to those who say nothing', () => {
    const chamber = new Antechamber();
    const { socket } = chamber.enter({ expiresAt: NOW + 60 });
    chamber.pass(60_000);
    assert.deepEqual(socket.done, ['close 3001 JWT expired']);
    assert.equal(chamber.registry.size, 0);
  });

  it('comes with the login behind a ticket, for which no leeway is given', () => {
    const chamber = new Antechamber({ expLeeway: 60 });
    const { socket } = chamber.enter({ authExpiresAt: NOW + 60 });
    chamber.pass(59_999);
    assert.deepEqual(socket.done, []);
    chamber.pass(1);
    assert.deepEqual(socket.done, ['close 3001 JWT expired']);
  });

  it('comes by 4002 when the connection has reached its age before that', () => {
    const chamber = new Antechamber({ maxConnectionAge: 10 });
    const { socket } = chamber.enter({ expiresAt: NOW + 60, authExpiresAt: NOW + 60 });
    chamber.pass(10_000);
    assert.deepEqual(socket.done, ['close 4002 Connection too old']);
  });

  it('is the client’s or ours, and is counted once', () => {
    const chamber = new Antechamber();
    const { session } = chamber.enter();
    session.end(failures.goingAway);
    session.lose(1006);
    const ended = chamber.meters.counter('sessionsEnded', { by: 'gateway', failure: 'goingAway' });
    assert.equal(ended.value, 1);
  });
});

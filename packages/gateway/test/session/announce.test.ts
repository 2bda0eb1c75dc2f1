import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { failures } from '@postern/client/protocol';
import { createAnnouncement } from '#gateway/session/announce.js';
import type { OnSession, ProgramSession } from '#gateway/session/announce.js';
import { deadlineAt } from '#gateway/session/deadline.js';
import { Session } from '#gateway/session/session.js';
import type { Close } from '#gateway/session/session.js';
import { FlushAtOnce } from './flush-at-once.ts';
import { TurnedClock } from './turned-clock.ts';

/** A session that is announced to this hook, as admission does it, and what came of it. */
function announced(onSession: OnSession | undefined) {
  const clock = new TurnedClock();
  const closes: Close[] = [];
  const logged: unknown[] = [];
  const announcement = createAnnouncement(onSession, (event, fields) => {
    logged.push([event, fields?.['session'], String(fields?.['error'])]);
  });
  const session = new Session({
    id: 'id',
    protocol: 'raw',
    socket: {
      stream: new Duplex(),
      isOpen: true,
      ping: () => undefined,
      close: () => undefined,
      terminate: () => undefined,
    },
    grant: { channels: ['chat'], readable: ['chat'], writable: [] },
    claims: { sub: 'ada', groups: ['one'] },
    expiresAt: undefined,
    deadline: deadlineAt(Infinity, clock),
    deadlineFailure: failures.tokenExpired,
    clock,
    closeCodeOf: ({ close }) => close,
    flusher: new FlushAtOnce(),
    rate: { perSecond: 0, burst: 1 },
    queueBytes: Infinity,
    onMessage: () => undefined,
    excessRate: undefined,
    onDrain: () => undefined,
    onEnd: (close) => {
      closes.push(close);
      announcement.closed(close);
    },
  });
  announcement.opened(session, ['chat']);
  return { session, closes, logged };
}

/** What a hook was told. */
function told() {
  const sessions: ProgramSession[] = [];
  return {
    hook: (session: ProgramSession) => void sessions.push(session),
    only: (): ProgramSession => {
      const [session = assert.fail('nothing was told'), ...others] = sessions;
      assert.deepEqual(others, []);
      return session;
    },
  };
}

describe('A session that is announced', () => {
  it('is told at once and once, by its id, its claims and its channels', () => {
    const { hook, only } = told();
    announced(hook);
    const { id, claims, channels } = only();
    assert.deepEqual([id, claims, channels], ['id', { sub: 'ada', groups: ['one'] }, ['chat']]);
  });

  it('does not change with what the program does to its copies', () => {
    const { session } = announced(({ claims, channels }) => {
      Object.assign(claims, { sub: 'root' });
      Object.assign(claims['groups'] ?? assert.fail(), ['all']);
      Object.assign(channels, ['secrets']);
    });
    assert.deepEqual(session.claims, { sub: 'ada', groups: ['one'] });
    assert.deepEqual(session.grant.channels, ['chat']);
  });

  it('tells of its end, by whoever’s doing', async () => {
    const { hook, only } = told();
    const { session } = announced(hook);
    session.lose(1000);
    assert.deepEqual(await only().ended, { code: 1000, by: 'client', failure: 'normal' });
  });

  it('can be ended by the program, once, and within the call too', async () => {
    const within = announced(({ end }) => end());
    assert.deepEqual(within.closes, [{ code: 3003, by: 'gateway', failure: 'forbidden' }]);

    const { hook, only } = told();
    const { closes } = announced(hook);
    const { end, ended } = only();
    end();
    end();
    assert.deepEqual(closes, [{ code: 3003, by: 'gateway', failure: 'forbidden' }]);
    assert.deepEqual(await ended, closes[0]);
  });

  it('tells a program that ended it within the call of that end', async () => {
    const ends: Promise<Close>[] = [];
    announced(({ end, ended }) => {
      end();
      ends.push(ended);
    });
    assert.deepEqual(await Promise.all(ends), [
      { code: 3003, by: 'gateway', failure: 'forbidden' },
    ]);
  });

  it('goes on when the program fails, at once or later, and the log says so', async () => {
    const faults: readonly OnSession[] = [
      () => assert.fail('a bug'),
      () => Promise.reject(new Error('a bug')),
    ];
    for (const fault of faults) {
      const { closes, logged } = announced(fault);
      await new Promise(setImmediate);
      assert.deepEqual(closes, []);
      const [[event, id, error] = [], ...others] = logged.filter((line) => Array.isArray(line));
      assert.deepEqual([event, id, others], ['on_session_failed', 'id', []]);
      assert.match(String(error), /a bug/);
    }
  });

  it('is not told to a program that did not ask, and ends without it', () => {
    const { session, closes, logged } = announced(undefined);
    session.lose(1006);
    assert.deepEqual([closes, logged], [[{ code: 1006, by: 'client', failure: 'abnormal' }], []]);
  });
});

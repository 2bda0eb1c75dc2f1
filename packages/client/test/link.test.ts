import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { trouble } from '#client/errors.js';

import { fakeSockets } from './support/fake-socket.ts';
import { link, tokens } from './support/links.ts';
import { NOW_MS, pass } from './support/time.ts';

describe('A link', () => {
  it('does nothing before it is started, and nothing twice', (t) => {
    const { source, wishes } = tokens();
    const { link: subject, sockets, socket, news } = link(t, { source });
    subject.wake();
    assert.deepEqual([subject.state, wishes], [{ name: 'idle' }, []]);
    subject.start();
    subject.start();
    socket().welcome();
    subject.start();
    assert.deepEqual(news(), ['connecting', 'open']);
    assert.deepEqual([sockets.all.length, wishes], [1, ['connect']]);
  });

  it('tells its states in order, each with what is known then', (t) => {
    const { link: subject, socket, states, waitOut, told } = link(t, tokens());
    subject.start();
    socket().welcome({ expiresAt: 1_800_000_600 });
    socket().tell({ type: 'status', database: 'down' });
    socket().tell({ type: 'message', channel: 'a', payload: 1, cursor: 'c', at: 1 });
    socket().end(1012, 'Service restart');
    waitOut();
    const open = {
      name: 'open',
      session: 's1',
      user: 'ada',
      expiresAt: 1_800_000_600,
      channels: { '*': 'rw' },
      database: 'up',
    };
    const [connecting, first, second, waiting, again] = states;
    assert.deepEqual(connecting, { name: 'connecting', attempt: 0, error: undefined });
    assert.deepEqual([first, second], [open, { ...open, database: 'down' }]);
    assert.ok(waiting?.name === 'waiting' && again?.name === 'connecting');
    assert.deepEqual([waiting.attempt, waiting.error.code], [0, 'restart']);
    assert.ok(waiting.retryAt >= NOW_MS && waiting.retryAt <= NOW_MS + 500);
    assert.deepEqual([again.attempt, again.error?.code], [1, 'restart']);
    assert.equal(states.length, 5);
    assert.deepEqual(told, ['open s1', 'message', 'lost']);
  });

  it('takes a second welcome for news of the same session', (t) => {
    const { link: subject, socket, told, states } = link(t, tokens());
    subject.start();
    socket().welcome();
    socket().tell({ type: 'status', database: 'down' });
    socket().welcome({ session: 's2', channels: { a: 'r' }, user: 'ada' });
    const state = states.at(-1);
    assert.ok(state?.name === 'open');
    assert.deepEqual([state.session, state.channels, state.database], ['s2', { a: 'r' }, 'down']);
    assert.deepEqual(told, ['open s1']);
  });

  it('waits longer with each failure, up to the cap, and begins anew once it was open for 5 seconds', (t) => {
    const backoff = { baseMs: 1_000, capMs: 8_000 };
    const { link: subject, socket, states, waitOut } = link(t, { ...tokens(), backoff });
    const lastWait = (): number => {
      const state = states.at(-1);
      return state?.name === 'waiting' ? state.attempt : assert.fail(state?.name);
    };
    subject.start();
    for (const attempt of [0, 1, 2]) {
      socket().end(1006);
      assert.equal(lastWait(), attempt);
      waitOut();
    }
    socket().welcome();
    pass(t, 5_000);
    socket().end(1006);
    assert.equal(lastWait(), 3);
    waitOut();
    socket().welcome();
    pass(t, 5_100);
    socket().end(1006);
    assert.equal(lastWait(), 0);
    waitOut();
    for (let n = 0; n < 20; n += 1) {
      socket().end(1006);
      const { state } = subject;
      assert.ok(state.name === 'waiting' && state.retryAt - Date.now() <= backoff.capMs);
      waitOut();
    }
  });

  it('connects at once when it is started while it waits, and once', (t) => {
    const { link: subject, sockets, socket, news } = link(t, tokens());
    subject.start();
    socket().end(1006);
    subject.start();
    assert.equal(sockets.all.length, 2);
    assert.deepEqual(news(), ['connecting', 'waiting', 'connecting']);
    pass(t, 2_000);
    assert.equal(sockets.all.length, 2);
  });

  it('waits no longer than at a first failure once it is woken', (t) => {
    const backoff = { baseMs: 10, capMs: 1_000_000_000 };
    const { link: subject, sockets, socket, waitOut } = link(t, { ...tokens(), backoff });
    subject.start();
    // By chance less than 10 ms of two hours, once in 10^6.
    for (let n = 0; n < 20; n += 1) {
      socket().end(1006);
      const { state } = subject;
      t.mock.timers.tick(state.name === 'waiting' ? Math.ceil(state.retryAt - Date.now()) + 1 : 0);
    }
    socket().end(1006);
    const { length } = sockets.all;
    subject.wake();
    const { state } = subject;
    assert.ok(state.name === 'waiting');
    assert.ok(state.retryAt - Date.now() <= 10, String(state.retryAt - Date.now()));
    assert.deepEqual([state.attempt, state.error.code], [21, 'unreachable']);
    waitOut();
    assert.equal(sockets.all.length, length + 1);
    pass(t, 20_000);
    assert.equal(sockets.all.length, length + 1);
  });

  it('looks whether its connection lives once it is woken', (t) => {
    const { link: subject, socket } = link(t, tokens());
    subject.start();
    subject.wake();
    socket().welcome();
    socket().news();
    subject.wake();
    assert.deepEqual(socket().news(), [{ type: 'ping' }]);
    pass(t, 10_000);
    assert.equal(subject.state.name, 'waiting');
  });

  it('stops where no socket can be opened to the address at all', (t) => {
    const cause = new TypeError('from a page by https');
    const {
      link: subject,
      told,
      errors,
    } = link(t, {
      ...tokens(),
      Socket: class {
        onopen = null;
        onmessage = null;
        onclose = null;
        onerror = null;
        constructor() {
          throw cause;
        }
        send(): void {}
        close(): void {}
      },
    });
    subject.start();
    assert.equal(subject.state.name, 'stopped');
    assert.deepEqual(told, ['stop bad_address']);
    assert.equal(errors[0]?.cause, cause);
  });

  it('stops when somebody else is there than before, and says nothing in that name', (t) => {
    const { link: subject, socket, sockets, told, waitOut, code, news } = link(t, tokens());
    subject.start();
    socket().welcome({ user: 'ada' });
    socket().end(1012);
    waitOut();
    socket().welcome({ user: 'eve' });
    assert.deepEqual(news(), ['connecting', 'open', 'waiting', 'connecting', 'stopped']);
    assert.equal(code(), 'identity_changed');
    assert.deepEqual(socket().ofType('auth').length, socket().said.length);
    assert.deepEqual(socket().closes, [1000]);
    assert.deepEqual(told.slice(1), ['lost', 'lost', 'stop identity_changed']);
    pass(t, 60_000);
    assert.equal(sockets.all.length, 2);
    subject.start();
    socket().welcome({ user: 'eve' });
    assert.equal(subject.state.name, 'open');
  });

  it('takes somebody for somebody else than nobody', (t) => {
    const { link: subject, socket, waitOut, code } = link(t, tokens());
    subject.start();
    socket().welcome({ user: undefined });
    socket().end(1012);
    waitOut();
    socket().welcome({ user: 'ada' });
    assert.equal(code(), 'identity_changed');
  });

  it('takes turns with another kind of socket, each after two refusals', (t) => {
    const other = fakeSockets();
    const {
      link: subject,
      sockets,
      socket,
      waitOut,
    } = link(t, { ...tokens(), Other: other.Socket });
    const counts = (): number[] => [sockets.all.length, other.all.length];
    subject.start();
    socket().end(1006);
    waitOut();
    assert.deepEqual(counts(), [2, 0]);
    socket().end(1006);
    waitOut();
    assert.deepEqual(counts(), [2, 1]);
    other.last().end(1006);
    waitOut();
    assert.deepEqual(counts(), [2, 2]);
    other.last().end(1006);
    waitOut();
    assert.deepEqual(counts(), [3, 2]);
    socket().welcome();
    socket().end(1006);
    waitOut();
    socket().end(1006);
    waitOut();
    assert.deepEqual(counts(), [5, 2]);
  });

  it('goes back to the first where the other cannot be reached either', (t) => {
    const other = fakeSockets();
    const parts = { ...tokens(), Other: other.Socket };
    const { link: subject, sockets, socket, waitOut } = link(t, parts);
    subject.start();
    socket().end(1006);
    waitOut();
    socket().end(1006);
    waitOut();
    other.last().open();
    other.last().end(1006);
    waitOut();
    assert.deepEqual([sockets.all.length, other.all.length], [3, 1]);
  });

  it('does not take a welcome that is nobody’s yet for somebody else’s', (t) => {
    const { link: subject, socket, states, waitOut, code } = link(t, tokens());
    subject.start();
    socket().welcome({ user: 'ada' });
    socket().end(1012);
    waitOut();
    socket().welcome({ session: '', user: undefined });
    assert.equal(subject.state.name, 'open');
    socket().welcome({ session: 's2', user: 'ada' });
    const state = states.at(-1);
    assert.deepEqual(state?.name === 'open' && [state.session, state.user], ['s2', 'ada']);
    socket().welcome({ session: 's3', user: 'eve' });
    assert.equal(code(), 'identity_changed');
  });

  it('comes back as if nothing had been when it is started after a stop', (t) => {
    const { source, how, wishes } = tokens();
    const { link: subject, socket, states, code } = link(t, { source });
    subject.start();
    socket().end(1006);
    how.next = trouble('no_token');
    source.endsAt(0);
    subject.start();
    assert.equal(code(), 'no_token');
    pass(t, 60_000);
    assert.equal(wishes.length, 2);
    how.next = 'token';
    subject.start();
    assert.deepEqual(states.at(-1), { name: 'connecting', attempt: 0, error: undefined });
    socket().welcome({ user: 'somebody' });
    assert.equal(subject.state.name, 'open');
  });
});

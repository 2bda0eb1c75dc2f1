import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { trouble } from '#client/errors.js';

import { link, tokens } from './support/links.ts';
import { NOW_MS, pass } from './support/time.ts';

describe('A link that is closed', () => {
  for (const when of [
    'idle',
    'asking',
    'opening',
    'waiting for its welcome',
    'open',
    'waiting',
    'stopped',
  ] as const)
    it(`stays so when it was ${when}`, (t) => {
      const { source, how, tokenAnswers } = tokens();
      const { link: subject, socket, sockets, told } = link(t, { source });
      if (when === 'asking') how.next = 'nothing';
      if (when === 'stopped') how.next = trouble('no_token');
      if (when !== 'idle') subject.start();
      if (when === 'waiting for its welcome') socket().open();
      if (when === 'open') socket().welcome();
      if (when === 'waiting') socket().end(1006);
      const { length } = sockets.all;
      subject.close();
      assert.deepEqual(subject.state, { name: 'closed' });
      assert.equal(told.at(-1), 'stop closed');
      const { onmessage, onclose } = sockets.all.at(-1) ?? {};
      assert.deepEqual([onmessage ?? null, onclose ?? null], [null, null]);
      if (length > 0 && when !== 'waiting') assert.deepEqual(socket().closes, [1000]);
      tokenAnswers.at(-1)?.('late');
      subject.start();
      subject.wake();
      pass(t, 120_000);
      assert.deepEqual(subject.state, { name: 'closed' });
      assert.equal(sockets.all.length, length);
    });

  it('does not show a token that comes after', (t) => {
    const { source, how, tokenAnswers } = tokens();
    const { link: subject, socket } = link(t, { source });
    subject.start();
    socket().welcome();
    how.next = 'nothing';
    socket().tell({ type: 'expiring', seconds: 30 });
    subject.close();
    const { length } = socket().said;
    tokenAnswers.at(-1)?.('jwt2');
    assert.equal(socket().said.length, length);
  });
});

describe('A credential that expires', () => {
  it('is followed by another one, and by what that grants', (t) => {
    const { source, wishes } = tokens();
    const { link: subject, socket, told, states } = link(t, { source });
    subject.start();
    socket().welcome({ expiresAt: 1_800_000_060 });
    const before = states.length;
    socket().tell({ type: 'expiring', seconds: 30 });
    assert.deepEqual(wishes, ['connect', 'renew']);
    assert.deepEqual(socket().ofType('auth').at(-1), { id: 2, type: 'auth', token: 'jwt2' });
    socket().reply('auth', { type: 'ok', expiresAt: 1_800_000_600, channels: { a: 'r' } });
    const state = states.at(-1);
    assert.ok(state?.name === 'open');
    assert.deepEqual([state.expiresAt, state.channels], [1_800_000_600, { a: 'r' }]);
    assert.equal(states.length, before + 1);
    assert.deepEqual(told, ['open s1']);
  });

  it('is followed by one that never ends, and grants the same', (t) => {
    const { link: subject, socket, states } = link(t, tokens());
    subject.start();
    socket().welcome({ expiresAt: 1_800_000_060 });
    socket().tell({ type: 'expiring', seconds: 30 });
    socket().reply('auth', { type: 'ok' });
    const state = states.at(-1);
    assert.ok(state?.name === 'open');
    assert.deepEqual([state.expiresAt, state.channels], [undefined, { '*': 'rw' }]);
  });

  it('stays where another one is refused or cannot be had, until it ends', (t) => {
    const { source, how, wishes } = tokens();
    const { link: subject, socket, states } = link(t, { source });
    subject.start();
    socket().welcome({ expiresAt: 1_800_000_060 });
    const before = states.length;
    socket().tell({ type: 'expiring', seconds: 30 });
    socket().reply('auth', { type: 'error', code: 'rate_limited', message: '', retry: 'yes' });
    how.next = trouble('token_failed');
    socket().tell({ type: 'expiring', seconds: 20 });
    assert.equal(states.length, before);
    assert.equal(socket().ofType('auth').length, 2);
    how.next = 'token';
    socket().end(3001, 'JWT expired');
    assert.equal(wishes.at(-1), 'connect');
    assert.equal(subject.state.name, 'connecting');
  });

  it('is not followed by one that comes when its session is over', (t) => {
    const { source, how, tokenAnswers } = tokens();
    const { link: subject, socket, sockets, waitOut } = link(t, { source });
    subject.start();
    socket().welcome();
    how.next = 'nothing';
    socket().tell({ type: 'expiring', seconds: 30 });
    socket().end(1012);
    tokenAnswers.at(-1)?.('jwt2');
    waitOut();
    socket().open();
    assert.equal(sockets.all[0]?.ofType('auth').length, 1);
    assert.deepEqual(socket().ofType('auth'), [{ id: 1, type: 'auth', token: 'jwt2' }]);
  });

  it('ends by the clock of the gateway, and not by ours', (t) => {
    for (const [seconds, isKept] of [
      [11, true],
      [9, false],
    ] as const) {
      const { source, wishes } = tokens();
      const { link: subject, socket } = link(t, { source, backoff: { baseMs: 0, capMs: 0 } });
      subject.start();
      const serverTime = NOW_MS / 1000 - 7_200;
      socket().welcome({ serverTime, expiresAt: serverTime + seconds });
      socket().end(1012);
      pass(t, 1);
      socket().open();
      assert.deepEqual(socket().ofType('auth')[0]?.['token'], isKept ? 'jwt1' : 'jwt2');
      assert.equal(wishes.length, isKept ? 1 : 2);
    }
  });
});

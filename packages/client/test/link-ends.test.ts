import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { trouble } from '#client/errors.js';
import type { HttpAnswer, HttpRequest } from '#client/http-request.js';
import { preauthSource } from '#client/preauth.js';

import { fakeSockets } from './support/fake-socket.ts';
import { link, tokens } from './support/links.ts';
import { pass } from './support/time.ts';

/** Tickets that are always given, and requests why one was refused, for the test to answer. */
function tickets() {
  const asked: HttpRequest[] = [];
  const answers: ((answer: HttpAnswer | undefined) => void)[] = [];
  const source = preauthSource({
    addresses: { socket: 'wss://rt.example.com/ws', preauth: 'https://rt.example.com/preauth' },
    options: {},
    headers: (answer) => answer({}),
    send: (request, answer) => {
      if (request.method === 'POST')
        return answer({ status: 200, text: '{"csrfToken":"T","url":"wss://rt.example.com/ws"}' });
      asked.push(request);
      answers.push(answer);
    },
  });
  return { source, asked, answers };
}

const problem = (code: string, retry: string): HttpAnswer => ({
  status: 401,
  text: JSON.stringify({ type: `urn:postern:failure:${code}`, title: '', retry }),
});

describe('The end of a connection', () => {
  it('that has expired is followed by another one at once, with another token', (t) => {
    const { source, wishes } = tokens();
    const { link: subject, socket, news } = link(t, { source });
    subject.start();
    socket().welcome();
    socket().end(3001, 'JWT expired');
    socket().welcome();
    assert.deepEqual(news(), ['connecting', 'open', 'connecting', 'open']);
    assert.deepEqual(socket().ofType('auth'), [{ id: 1, type: 'auth', token: 'jwt2' }]);
    assert.deepEqual(wishes, ['connect', 'connect']);
  });

  it('that shows that the next token has expired as well is followed by a wait: clocks differ', (t) => {
    const { link: subject, socket, news, waitOut } = link(t, tokens());
    subject.start();
    socket().open();
    socket().end(3001);
    socket().open();
    socket().end(3001);
    assert.deepEqual(news(), ['connecting', 'connecting', 'waiting']);
    waitOut();
    assert.equal(subject.state.name, 'connecting');
  });

  it('that turns two tokens away is the last', (t) => {
    const { source, wishes } = tokens();
    const { link: subject, socket, code } = link(t, { source });
    subject.start();
    socket().open();
    socket().end(3000);
    socket().open();
    socket().end(3000);
    assert.deepEqual([subject.state.name, code(), wishes.length], ['stopped', 'unauthorized', 2]);
  });

  it('that must not come back is the last', (t) => {
    const { link: subject, socket, sockets, told, code } = link(t, tokens());
    subject.start();
    socket().welcome();
    socket().end(4500, 'Revoked');
    assert.deepEqual([subject.state.name, code()], ['stopped', 'revoked']);
    assert.deepEqual(told, ['open s1', 'lost', 'stop revoked']);
    pass(t, 60_000);
    subject.wake();
    assert.equal(sockets.all.length, 1);
  });

  it('before it opened sends nobody to the issuer: a token has not been shown by then', (t) => {
    const { source, wishes } = tokens();
    const { link: subject, socket, waitOut, code } = link(t, { source });
    subject.start();
    socket().welcome();
    socket().end(1012);
    for (let n = 0; n < 5; n += 1) {
      waitOut();
      socket().end(1006);
      assert.equal(code(), 'unreachable');
    }
    waitOut();
    socket().welcome();
    assert.deepEqual(wishes, ['connect']);
  });

  it('is not followed by another one when the link was closed by whoever was told that no reply comes', (t) => {
    const { source } = tokens();
    const {
      link: subject,
      socket,
      sockets,
      news,
    } = link(t, {
      source,
      events: {
        onState: (state) => void states.push(state.name),
        onOpen: (connection) => connection.say({ type: 'ping' }, () => subject.close()),
        onLost: () => undefined,
        onStop: () => undefined,
        onAnnouncement: () => undefined,
      },
    });
    const states: string[] = [];
    subject.start();
    socket().welcome();
    socket().end(1012);
    assert.equal(subject.state.name, 'closed');
    pass(t, 60_000);
    assert.equal(sockets.all.length, 1);
    assert.equal(states.includes('waiting'), false);
    assert.deepEqual(news(), []);
  });
});

describe('A ticket that is refused twice', () => {
  it('is asked about, by the stream of events', (t) => {
    const { source, asked } = tickets();
    const { link: subject, socket, sockets, news } = link(t, { source });
    subject.start();
    assert.deepEqual(socket().protocols, ['postern.v1', 'postern.csrf.T']);
    socket().end(1006);
    assert.deepEqual([sockets.all.length, asked.length], [2, 0]);
    socket().end(1006);
    assert.equal(asked[0]?.url, 'https://rt.example.com/sse?channel=postern&csrf=T');
    assert.deepEqual(news(), ['connecting', 'connecting']);
    assert.equal(sockets.all.length, 2);
  });

  for (const [what, answer, name, code] of [
    [
      'stops where the cookie does not arrive',
      problem('cookie_missing', 'no'),
      'stopped',
      'cookie_blocked',
    ],
    ['stops for a reason that is for good', problem('revoked', 'no'), 'stopped', 'revoked'],
    ['waits for a reason that is for now', problem('unavailable', 'yes'), 'waiting', 'unavailable'],
    ['waits where nobody is there', undefined, 'waiting', 'unreachable'],
    [
      'waits where plain requests arrive',
      { status: 200, text: '' },
      'waiting',
      'websocket_blocked',
    ],
  ] as const)
    it(what, (t) => {
      const { source, answers } = tickets();
      const { link: subject, socket, code: codeNow } = link(t, { source });
      subject.start();
      socket().end(1006);
      socket().end(1006);
      answers[0]?.(answer);
      assert.deepEqual([subject.state.name, codeNow()], [name, code]);
    });

  it('is followed by the other kind of socket where plain requests arrive', (t) => {
    const { source, answers } = tickets();
    const other = fakeSockets();
    const { link: subject, socket, sockets, waitOut } = link(t, { source, Other: other.Socket });
    subject.start();
    socket().end(1006);
    socket().end(1006);
    answers[0]?.({ status: 200, text: '' });
    waitOut();
    assert.deepEqual([sockets.all.length, other.all.length], [2, 1]);
    other.last().welcome();
    assert.equal(subject.state.name, 'open');
  });

  it('is not spoken of any more once the link is closed', (t) => {
    const { source, answers } = tickets();
    const { link: subject, socket, news } = link(t, { source });
    subject.start();
    socket().end(1006);
    socket().end(1006);
    subject.close();
    answers[0]?.({ status: 200, text: '' });
    pass(t, 60_000);
    assert.deepEqual(news(), ['connecting', 'connecting', 'closed']);
  });
});

describe('No credential', () => {
  it('is waited for where it may come', (t) => {
    const { source, how } = tokens();
    const { link: subject, waitOut, code, sockets } = link(t, { source });
    how.next = trouble('token_failed');
    subject.start();
    assert.deepEqual(
      [subject.state.name, code(), sockets.all.length],
      ['waiting', 'token_failed', 0],
    );
    how.next = 'token';
    waitOut();
    assert.equal(sockets.all.length, 1);
  });

  it('is an end where nobody is logged in', (t) => {
    const { source, how } = tokens();
    const { link: subject, told } = link(t, { source });
    how.next = trouble('no_token');
    subject.start();
    assert.equal(subject.state.name, 'stopped');
    assert.deepEqual(told, ['stop no_token']);
  });
});

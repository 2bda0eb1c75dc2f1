import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import type { Answer } from '#client/answer.js';
import type { Credential } from '#client/credentials.js';
import { PosternError, trouble } from '#client/errors.js';
import type { HttpAnswer, HttpRequest } from '#client/http-request.js';
import { preauthSource } from '#client/preauth.js';
import type { PreauthOptions, PreauthParts } from '#client/preauth.js';

import { stopTime } from './support/time.ts';

const addresses = {
  socket: 'wss://rt.example.com/ws',
  preauth: 'https://rt.example.com/preauth',
};
const TICKET: Credential = {
  url: 'wss://rt.example.com/ws',
  protocols: ['postern.v1', 'postern.csrf.T1.x'],
};

/** A source of tickets, what it has asked for, and how each of that is answered. */
function source(
  t: TestContext,
  options: PreauthOptions = {},
  headers: PreauthParts['headers'] = (answer) => answer({}),
) {
  stopTime(t);
  const requests: HttpRequest[] = [];
  const answers: ((answer: HttpAnswer | undefined) => void)[] = [];
  const got: unknown[] = [];
  const tickets = preauthSource({
    addresses,
    options,
    headers,
    send: (request, answer) => {
      requests.push(request);
      answers.push(answer);
    },
  });
  const show: Answer<unknown> = (outcome) =>
    void got.push(
      outcome instanceof PosternError ? [outcome.code, outcome.retry, outcome.status] : outcome,
    );
  return {
    tickets,
    requests,
    got,
    show,
    get: () => tickets.get(show),
    /** Answers the last request. */
    answer: (status: number, body: unknown) =>
      answers.at(-1)?.({ status, text: typeof body === 'string' ? body : JSON.stringify(body) }),
    fail: () => answers.at(-1)?.(undefined),
  };
}

const problem = (code: string, retry: string) => ({
  type: `urn:postern:failure:${code}`,
  title: 'What it is',
  retry,
});

describe('A request for a ticket', () => {
  it('goes along with the cookie of the site, as JSON that no form can send', (t) => {
    const { requests, get } = source(t);
    get();
    assert.deepEqual(requests, [
      {
        method: 'POST',
        url: 'https://rt.example.com/preauth',
        headers: { 'Content-Type': 'application/json', 'X-Postern-Preauth': '1' },
        body: '{}',
        omitsCookies: false,
      },
    ]);
  });

  it('has the headers of the program, asked for each time, and what it wants of the login', (t) => {
    let n = 0;
    const { requests, get, answer } = source(t, { channels: ['a', 'b'] }, (tell) => {
      n += 1;
      tell({ Authorization: `Bearer ${n}` });
    });
    get();
    answer(503, '');
    get();
    assert.deepEqual(
      requests.map(({ headers }) => headers['Authorization']),
      ['Bearer 1', 'Bearer 2'],
    );
    assert.equal(requests[0]?.headers['X-Postern-Preauth'], '1');
    assert.equal(requests[0]?.body, '{"channels":["a","b"]}');
  });

  it('has no cookie where none is kept', (t) => {
    const { requests, get } = source(t, { embed: true });
    get();
    assert.deepEqual([requests[0]?.omitsCookies, requests[0]?.body], [true, '{"embed":true}']);
  });

  it('is not made where the program cannot say who the user is', (t) => {
    const { requests, got, get } = source(t, {}, (tell) => tell(trouble('token_failed')));
    get();
    assert.deepEqual([requests, got], [[], [['token_failed', 'yes', undefined]]]);
  });

  it('is made once for all who ask meanwhile, and anew for each connection', (t) => {
    const { requests, got, get, answer } = source(t);
    get();
    get();
    answer(200, { csrfToken: 'T1', url: addresses.socket });
    get();
    assert.equal(requests.length, 2);
    assert.equal(got.length, 2);
  });
});

describe('A ticket', () => {
  it('is offered beside the protocol, where the gateway says that it is', (t) => {
    const { got, get, answer } = source(t);
    get();
    answer(200, { csrfToken: 'T1.x', url: 'wss://other.example.com/ws' });
    assert.deepEqual(got, [
      {
        url: 'wss://other.example.com/ws',
        protocols: ['postern.v1', 'postern.csrf.T1.x'],
      },
    ]);
  });

  it('is an embed token where that was asked for, and at the address of the client where none is named', (t) => {
    const { got, get, answer } = source(t, { embed: true });
    get();
    answer(200, { embedToken: 'E1', url: null });
    assert.deepEqual(got, [
      { url: 'wss://rt.example.com/ws', protocols: ['postern.v1', 'postern.embed.E1'] },
    ]);
  });

  it('is used for one connection, however long it would last', (t) => {
    const { tickets, requests, get, answer } = source(t);
    get();
    answer(200, { csrfToken: 'T1', url: addresses.socket });
    tickets.endsAt(Infinity);
    get();
    assert.equal(requests.length, 2);
  });

  it('for a session that goes on is asked for by the name of the session', (t) => {
    const { tickets, requests, got, show, answer } = source(t);
    tickets.renew('s1', show);
    assert.equal(requests[0]?.body, '{"session":"s1"}');
    answer(200, { refreshToken: 'R1', csrfToken: 'T1', url: addresses.socket });
    tickets.renew('s2', show);
    assert.equal(requests[1]?.body, '{"session":"s2"}');
    answer(401, problem('auth_expired', 'new-token'));
    assert.deepEqual(got, ['R1', ['auth_expired', 'no', 401]]);
  });
});

describe('What is no ticket', () => {
  for (const [what, status, body, outcome] of [
    ['a problem for now', 429, problem('rate_limited', 'yes'), ['rate_limited', 'yes', 429]],
    ['a problem for good', 403, problem('scope_denied', 'no'), ['scope_denied', 'no', 403]],
    [
      'a login that is over',
      401,
      problem('auth_expired', 'new-token'),
      ['auth_expired', 'no', 401],
    ],
    ['the page of a proxy', 502, '<html>', ['bad_answer', 'yes', 502]],
    ['the page of an app', 200, '<html>', ['bad_answer', 'yes', 200]],
    ['JSON of somebody else', 200, { ok: true }, ['bad_answer', 'yes', 200]],
    ['a problem of somebody else', 404, { type: 'about:blank' }, ['bad_answer', 'yes', 404]],
    ['a ticket by another status', 201, { url: 'wss://x/ws' }, ['bad_answer', 'yes', 201]],
    ['null', 200, 'null', ['bad_answer', 'yes', 200]],
  ] as const)
    it(`is ${what}, and is told as it is`, (t) => {
      const { got, get, answer } = source(t);
      get();
      answer(status, body);
      assert.deepEqual(got, [outcome]);
    });

  it('is silence, and whatever a browser lets nobody see', (t) => {
    const { got, get, fail } = source(t);
    get();
    fail();
    assert.deepEqual(got, [['unreachable', 'yes', undefined]]);
  });

  it('has the title of the problem for people', (t) => {
    const { tickets, answer } = source(t);
    let text = '';
    tickets.get((outcome) => (text = String(outcome)));
    answer(403, problem('forbidden', 'no'));
    assert.equal(text, 'PosternError: What it is');
  });
});

describe('Why a handshake was refused', () => {
  it('is asked of the stream of events, by the same ticket and with the same cookie', (t) => {
    const { tickets, requests } = source(t);
    tickets.whyRefused?.(TICKET, () => undefined);
    assert.deepEqual(requests, [
      {
        method: 'GET',
        url: 'https://rt.example.com/sse?channel=postern&csrf=T1.x',
        headers: {},
        omitsCookies: false,
      },
    ]);
    const framed = source(t, { embed: true });
    framed.tickets.whyRefused?.(
      { url: 'wss://other/a/ws', protocols: ['postern.v1', 'postern.embed.E1'] },
      () => undefined,
    );
    assert.equal(framed.requests[0]?.url, 'https://other/a/sse?channel=postern&embed=E1');
    assert.equal(framed.requests[0]?.omitsCookies, true);
  });

  for (const [what, status, body, outcome] of [
    ['a stream is let in', 200, '', ['websocket_blocked', 'yes', undefined]],
    [
      'a stream would be let in, to another channel',
      403,
      problem('scope_denied', 'no'),
      ['websocket_blocked', 'yes', undefined],
    ],
    ['there are too many for now', 503, problem('unavailable', 'yes'), ['unavailable', 'yes', 503]],
    ['the user was revoked', 401, problem('revoked', 'no'), ['revoked', 'no', 401]],
    [
      'the user has too many connections',
      429,
      problem('connection_limit', 'no'),
      ['connection_limit', 'no', 429],
    ],
    [
      'the program that embeds the gateway says no',
      403,
      problem('forbidden', 'no'),
      ['forbidden', 'no', 403],
    ],
    // Nothing was found: what is left is a cookie that the browser keeps back.
    ['the cookie does not arrive', 401, problem('cookie_missing', 'new-token'), undefined],
    ['a browser of old says no origin to its own', 403, problem('origin_missing', 'no'), undefined],
    ['nobody there knows of streams', 404, 'Not found', undefined],
  ] as const)
    it(`is found where ${what}`, (t) => {
      const { tickets, got, show, answer } = source(t);
      tickets.whyRefused?.(TICKET, (why) => (why === undefined ? got.push(why) : show(why)));
      answer(status, body);
      assert.deepEqual(got, [outcome]);
    });

  it('is that nobody is there, when there is no answer', (t) => {
    const { tickets, got, show, fail } = source(t);
    tickets.whyRefused?.(TICKET, (why) => (why === undefined ? got.push(why) : show(why)));
    fail();
    assert.deepEqual(got, [['unreachable', 'yes', undefined]]);
  });
});

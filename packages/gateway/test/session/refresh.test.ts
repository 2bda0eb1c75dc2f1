import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { failures } from '@postern/client/protocol';
import type { ChannelMode } from '@postern/client/protocol';
import { narrowed, scopeRules } from '#gateway/auth/scopes.js';
import type { Denial } from '#gateway/session/auth-wait.js';
import type { Shown } from '#gateway/session/standing.js';
import type { V1Grant, V1Options } from '#gateway/session/v1.js';
import { Antechamber } from './antechamber.ts';

const NOW = 1_800_000_000;
const END = NOW + 600;

type Answer = Shown<V1Grant> | Denial;

function grantOf(channels: Readonly<Record<string, ChannelMode>>): V1Grant {
  return narrowed(scopeRules({ channels }, { sub: 'ada', patterns: true }), ['*']);
}

/** What a token of the same user shows that lasts twice as long, but for what a test says. */
function shown(changes: Partial<Shown<V1Grant>> = {}): Shown<V1Grant> {
  const grant = grantOf({ news: 'r', 'room:*': 'rw' });
  return { claims: { sub: 'ada', iat: NOW }, grant, expiresAt: END + 600, ...changes };
}

/** A session that ends at {@link END}, and a door that answers when it is told to. */
function setUp(
  options: ConstructorParameters<typeof Antechamber>[0] = {},
  v1: Partial<V1Options> = {},
) {
  const chamber = new Antechamber(options, {}, v1);
  const asked: string[] = [];
  const doors: ((answer: Answer | Promise<Answer>) => void)[] = [];
  const { socket, session, say } = chamber.enter({
    grant: shown().grant,
    expiresAt: END,
    refresh: ({ id }, token) => {
      asked.push(`${id} ${token}`);
      return new Promise<Answer>((resolve) => doors.push(resolve));
    },
  });
  const auth = (id: number, token = 't'): void => say({ type: 'auth', id, token });
  /** The door answers the latest question, and what comes of that has happened. */
  const answer = async (given: Answer | Promise<Answer>): Promise<void> => {
    const door = doors.pop() ?? assert.fail('Nobody has asked');
    door(given);
    await turn();
  };
  const replies = (): readonly unknown[] => socket.messages.slice(1);
  return { chamber, socket, session, say, asked, auth, answer, replies };
}

function grantNow({ grant }: { readonly grant: unknown }): V1Grant {
  return Object(grant);
}

function errorOf(id: number, code: string, message: string, retry: string) {
  return { type: 'error', id, code, message, retry };
}

describe('A refresh', () => {
  it('has the session go on by the new token: until then, and not beyond', async () => {
    const { chamber, socket, session, asked, auth, answer, replies } = setUp();
    auth(1, 'another');
    assert.deepEqual(asked, [`${session.id} another`]);
    await answer(shown());
    const channels = { news: 'r', 'room:*': 'rw' };
    assert.deepEqual(replies(), [{ type: 'ok', id: 1, expiresAt: END + 600, channels }]);
    assert.deepEqual(session.claims, { sub: 'ada', iat: NOW });

    chamber.pass(600_000);
    assert.deepEqual(socket.done, []);
    chamber.pass(600_000);
    assert.deepEqual(socket.done, ['close 3001 JWT expired']);
  });

  it('to a token without an end is told of none', async () => {
    const { chamber, socket, auth, answer, replies } = setUp();
    auth(1);
    await answer(shown({ expiresAt: undefined }));
    assert.equal(JSON.stringify(replies()).includes('expiresAt'), false);
    chamber.pass(1e9);
    assert.deepEqual(socket.done, []);
    auth(2);
    await answer(shown({ expiresAt: END }));
    auth(3);
    assert.match(JSON.stringify(replies()), /no later/);
  });

  it('leaves nothing behind in the wheel for the end that was', async (t) => {
    const { chamber, session, auth, answer } = setUp();
    const expired = t.mock.method(session, 'expire');
    auth(1);
    await answer(shown());
    session.lose(1000);
    chamber.pass(1_200_000);
    assert.equal(expired.mock.callCount(), 0);
  });

  it('does not make a session younger', async () => {
    const { chamber, socket, auth, answer } = setUp({ maxConnectionAge: 900 });
    auth(1);
    await answer(shown());
    chamber.pass(900_000);
    assert.deepEqual(socket.done, ['close 4002 Connection too old']);
  });

  it('counts the leeway, and ends with the login behind a ticket', async () => {
    const { auth, answer, replies } = setUp({ expLeeway: 30 });
    auth(1);
    await answer(shown({ authExpiresAt: END + 100 }));
    assert.match(JSON.stringify(replies()), new RegExp(`"expiresAt":${END + 100}`));
  });

  it('that fails changes nothing until the end that was', async () => {
    const { chamber, socket, session, auth, answer, replies } = setUp();
    const before = session.claims;
    auth(1);
    await answer({ failure: failures.tokenInvalid });
    auth(2);
    chamber.pass(10_000);
    auth(3);
    await answer({ failure: failures.tokenExpired, code: 'refresh_expired' });
    assert.deepEqual(replies(), [
      errorOf(1, 'token_invalid', 'Token invalid', 'no'),
      errorOf(2, 'rate_limited', 'One refresh at a time, and 10 s from one to the next', 'yes'),
      errorOf(3, 'refresh_expired', 'JWT expired', 'new-token'),
    ]);
    assert.equal(session.claims, before);
    chamber.pass(590_000);
    assert.deepEqual(socket.done, ['close 3001 JWT expired']);
  });

  it('by a token that ends no later fails, and asks for a new one', async () => {
    for (const expiresAt of [END, END - 1]) {
      const { session, auth, answer, replies } = setUp();
      auth(1);
      await answer(shown({ expiresAt, grant: grantOf({ news: 'r' }) }));
      const message = 'The token ends no later than the one before';
      assert.deepEqual(replies(), [errorOf(1, 'token_expired', message, 'new-token')]);
      assert.deepEqual(Object.keys(grantNow(session).entries), ['news', 'room:*']);
    }
  });

  it('by somebody else ends the session, which never becomes that one’s', async () => {
    const { chamber, socket, session, auth, answer, replies } = setUp();
    auth(1);
    await answer({ failure: failures.identityChanged });
    assert.deepEqual([replies(), socket.done], [[], ['close 4501 Identity changed']]);
    assert.equal(session.claims['sub'], 'ada');
    assert.equal(chamber.registry.size, 0);
  });

  it('is one at a time, and one every ten seconds, which the beginning does not count for', async () => {
    const { chamber, asked, auth, answer, replies } = setUp();
    auth(1);
    auth(2);
    chamber.pass(20_000);
    // It still looks at the first.
    auth(3);
    await answer(shown());
    auth(4);
    assert.equal(asked.length, 2);
    const ids = replies().map((reply) => `${Object(reply).id} ${Object(reply).type}`);
    assert.deepEqual(ids, ['2 error', '3 error', '1 ok']);
    chamber.pass(9_999);
    auth(5);
    assert.equal(asked.length, 2);
  });

  it('that the gateway fails at is answered, written down, and costs nothing else', async () => {
    const { chamber, socket, auth, answer, replies } = setUp();
    auth(1);
    await answer(Promise.reject(new Error('broken')));
    assert.deepEqual(replies(), [errorOf(1, 'internal', 'Internal error', 'yes')]);
    assert.deepEqual(socket.done, []);
    assert.equal(
      chamber.logged.some(({ event }) => event === 'refresh_failed'),
      true,
    );
  });

  it('is counted and written down, with what came of it and for whom', async () => {
    const { chamber, session, auth, answer } = setUp();
    auth(1);
    await answer(shown());
    chamber.pass(10_000);
    auth(2);
    await answer({ failure: failures.revoked });
    auth(3);
    const { meters, logged } = chamber;
    assert.equal(meters.counter('sessionsRefreshed').value, 1);
    assert.equal(meters.counter('refreshesRefused', { failure: 'revoked' }).value, 1);
    assert.equal(meters.counter('refreshesRefused', { failure: 'rateLimited' }).value, 1);
    const who = { session: session.id, user: 'ada' };
    assert.deepEqual(logged.slice(1), [
      { event: 'session_refreshed', fields: { ...who, channels: 2 } },
      {
        event: 'refresh_refused',
        fields: {
          audit: true,
          outcome: 'refused',
          ...who,
          failure: 'revoked',
          code: 'revoked',
          why: undefined,
        },
      },
    ]);
  });
});

describe('A session that ends while its new token is looked at', () => {
  const endings: Readonly<Record<string, (parts: ReturnType<typeof setUp>) => void>> = {
    'because its time is over': ({ chamber }) => chamber.clock.pass(600_000),
    'because somebody set the clock forward': ({ chamber }) => chamber.clock.setWall(600_000),
    'because it was revoked': ({ session }) => session.end(failures.revoked),
    'because its client left': ({ session }) => session.lose(1000),
    'because its client is leaving': ({ socket }) => void (socket.isOpen = false),
  };
  for (const [why, end] of Object.entries(endings))
    it(`stays ended: ${why}`, async () => {
      const parts = setUp();
      const { chamber, session, auth, answer, replies } = parts;
      auth(1);
      end(parts);
      await answer(shown());
      assert.deepEqual(replies(), []);
      assert.equal(session.claims['iat'], undefined);
      assert.equal(session.isOpen, false);
      assert.equal(chamber.meters.counter('sessionsRefreshed').value, 0);
      chamber.pass(1e9);
      assert.equal(chamber.registry.size, 0);
    });
});

describe('The channels of a session that is refreshed', () => {
  const cases: readonly (readonly [string, V1Grant['entries'], V1Grant['entries']])[] = [
    ['shrink', { news: 'r' }, { news: 'r' }],
    ['lose a mode', { 'room:*': 'w', news: 'rw' }, { 'room:*': 'w', news: 'r' }],
    ['are what both tokens grant', { 'room:1': 'rw', other: 'rw' }, { 'room:1': 'rw' }],
    ['do not grow by a pattern', { '*': 'rw' }, { news: 'r', 'room:*': 'rw' }],
  ];
  for (const [what, granted, left] of cases)
    it(what, async () => {
      const { session, auth, answer, replies } = setUp();
      auth(1);
      await answer(shown({ grant: grantOf(granted) }));
      assert.deepEqual(Object(replies()[0]).channels, left);
      assert.deepEqual(grantNow(session).entries, left);
      assert.equal(grantNow(session).modeOf('other').read, false);
    });

  it('are never none: such a token changes nothing', async () => {
    const { session, auth, answer, replies } = setUp();
    auth(1);
    await answer(shown({ grant: grantOf({ other: 'rw', news: 'w' }) }));
    assert.deepEqual(replies(), [errorOf(1, 'scope_denied', 'Forbidden', 'no')]);
    assert.deepEqual(Object.keys(grantNow(session).entries), ['news', 'room:*']);
  });

  it('do not come back once they are lost', async () => {
    const { chamber, session, auth, answer } = setUp();
    auth(1);
    await answer(shown({ grant: grantOf({ news: 'r' }) }));
    chamber.pass(10_000);
    auth(2);
    await answer(shown({ expiresAt: END + 700 }));
    assert.deepEqual(grantNow(session).entries, { news: 'r' });
  });

  it('are those of the new token where widening is allowed', async () => {
    const { session, auth, answer } = setUp({}, { refreshMayWiden: true });
    auth(1);
    await answer(shown({ grant: grantOf({ other: 'rw' }) }));
    assert.deepEqual(grantNow(session).entries, { other: 'rw' });
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failures } from '@postern/client/protocol';
import { tokenProblems } from '#gateway/auth/problems.js';
import type { Verify } from '#gateway/auth/verify.js';
import { createAuthenticator } from '#gateway/http/authenticate.js';
import type { AuthenticatorOptions } from '#gateway/http/authenticate.js';
import { posted } from './requests.ts';

type Line = readonly [name: string, value: string];

/** A token is good when it begins so, and is its own user. */
const verify: Verify = (token) =>
  Promise.resolve(
    token.startsWith('good')
      ? { claims: { sub: token }, expiresAt: undefined }
      : { problem: tokenProblems.badSignature, signed: { sub: 'somebody' } },
  );

function authenticator(options: Partial<AuthenticatorOptions> = {}) {
  const events: string[] = [];
  const authenticate = createAuthenticator({
    authenticate: undefined,
    askHook: undefined,
    siteCookie: 'site',
    verify,
    now: () => 1_000,
    log: (event) => void events.push(event),
    ...options,
  });
  return {
    events,
    any: (...lines: readonly Line[]) => authenticate(posted(lines), 'any'),
    authorization: (...lines: readonly Line[]) => authenticate(posted(lines), 'authorization'),
  };
}

const NOBODY = { failure: failures.unauthorized };
const user = (sub: string) => ({ claims: { sub } });
const bearer = (token: string): Line => ['Authorization', `Bearer ${token}`];
const cookie = (value: string): Line => ['Cookie', `site=${value}`];

describe('Who a user is, by tokens', () => {
  it('is said by a bearer before the site’s cookie, in any case of the scheme', async () => {
    const { any } = authenticator();
    assert.deepEqual(await any(bearer('good-1'), cookie('good-2')), user('good-1'));
    assert.deepEqual(await any(['AUTHORIZATION', 'bEARER  good-1']), user('good-1'));
    assert.deepEqual(await any(['Authorization', 'Basic x'], cookie('good-2')), user('good-2'));
    assert.deepEqual(await any(['Authorization', 'Bearerx'], cookie('good-2')), user('good-2'));
    assert.deepEqual(await any(cookie('good-2')), user('good-2'));
  });

  it('is what is wrong with the first that is there', async () => {
    const { any } = authenticator();
    const bad = { failure: failures.tokenInvalid, claims: { sub: 'somebody' } };
    for (const token of ['bad', ''])
      assert.deepEqual(await any(bearer(token), cookie('good')), bad, token);
    assert.deepEqual(await any(['Authorization', 'Bearer'], cookie('good')), bad);
    assert.deepEqual(await any(cookie('')), bad);
  });

  it('is nobody without either, and without a cookie that is named', async () => {
    assert.deepEqual(await authenticator().any(), NOBODY);
    const { any } = authenticator({ siteCookie: undefined });
    assert.deepEqual(await any(cookie('good')), NOBODY);
  });

  it('is said once', async () => {
    const { any } = authenticator();
    const twice = { failure: failures.badMessage, code: 'credential_ambiguous' };
    assert.deepEqual(await any(bearer('good'), bearer('good')), twice);
    assert.deepEqual(await any(['Authorization', 'Basic x'], bearer('good')), twice);
    const tossed = { failure: failures.badMessage, code: 'cookie_ambiguous' };
    assert.deepEqual(await any(cookie('good'), cookie('good')), tossed);
    assert.deepEqual(await any(bearer('good'), cookie('a'), cookie('b')), user('good'));
  });

  it('is not said by a cookie where Authorization alone counts', async () => {
    const { authorization } = authenticator();
    assert.deepEqual(await authorization(cookie('good')), NOBODY);
    assert.deepEqual(await authorization(['Authorization', 'Basic x'], cookie('good')), NOBODY);
    assert.deepEqual(await authorization(bearer('good'), cookie('x')), user('good'));
  });
});

describe('Who a user is, by a backend', () => {
  it('is not asked of tokens, nor of a backend that is shown nothing', async () => {
    const shown: unknown[] = [];
    const { any, authorization } = authenticator({
      askHook: (headers) => {
        shown.push(headers);
        return Promise.resolve('unknown');
      },
    });
    const ours: Line = ['Cookie', '__Host-Http-postern=x; postern-dev=y'];
    assert.deepEqual(await any(bearer('good'), cookie('good'), ours), NOBODY);
    assert.deepEqual(await authorization(bearer('good'), cookie('good')), NOBODY);
    assert.deepEqual(await any(ours), NOBODY);
    assert.deepEqual(await authorization(cookie('good')), NOBODY);
    assert.deepEqual(shown, [
      { Authorization: 'Bearer good', Cookie: 'site=good' },
      { Authorization: 'Bearer good' },
    ]);
  });

  it('is nobody when its answer cannot be used, which is written down once a second', async () => {
    const { any, events } = authenticator({
      askHook: () => Promise.resolve({ claims: { sub: 'ada', exp: 1_000_000_000_000 } }),
    });
    const away = { failure: failures.backendUnavailable };
    for (let n = 0; n < 3; n++) assert.deepEqual(await any(bearer('x')), away);
    assert.deepEqual(events, ['auth_hook_failed']);
  });
});

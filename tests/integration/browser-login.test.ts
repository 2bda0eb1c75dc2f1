import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { startExample } from '../support/example.ts';
import type { Answer } from '../support/exchange.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { bodyOf, preauth, refused } from '../support/preauth.ts';
import { said } from '../support/way-in.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

/** The example, and what its page and its forms send. */
async function start() {
  const { child, port, origin } = await startExample(scope, 'browser-login');
  const post = (path: string, body: string, cookie = '', from = origin) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { Origin: from, Cookie: cookie },
      body: new URLSearchParams(body),
    });
  const ask = (cookie: string | undefined): Promise<Answer> => {
    const headers = {
      Host: `localhost:${port}`,
      Origin: origin,
      Cookie: cookie,
      Authorization: undefined,
      'X-Forwarded-Proto': undefined,
    };
    return preauth(port, { target: '/postern/preauth', headers });
  };
  return { child, origin, post, ask };
}

const cookieOf = (response: Response): string => valueOf(response.headers.get('set-cookie'));
const valueOf = (cookie: string | null | undefined): string => cookie?.split(';')[0] ?? '';

describe('The example with a login form', () => {
  it('opens a socket by the session cookie, until the log-out', async () => {
    const { child, origin, post, ask } = await start();
    assert.equal(refused(await ask(undefined)), '401 credential_missing');
    assert.equal(refused(await ask('session=made-up')), '401 credential_missing');

    const session = cookieOf(await post('/login', 'user=ada&password=engine'));
    const answer = await ask(session);
    assert.equal(answer.status, 200, answer.body);
    const { url, csrfToken, user } = bodyOf(answer);
    assert.equal(user, 'ada');
    const cookie = valueOf(answer.headers.get('set-cookie'));
    const client = await WsClient.connect(`${String(url)}?csrf=${String(csrfToken)}`, {
      protocols: ['postern.v1'],
      headers: { Origin: origin, Cookie: cookie },
    });
    scope.after(() => Promise.resolve(client.terminate()));
    const welcome = await said(client);
    assert.deepEqual([welcome['type'], welcome['user']], ['welcome', 'ada']);

    await post('/logout', '', session);
    assert.equal(refused(await ask(session)), '401 credential_missing');
    child.signal('SIGTERM');
    assert.deepEqual(await child.exited(60_000), { code: 0, signal: undefined });
  });

  it('logs nobody in by a wrong password, nor by a form of another site', async () => {
    const { post } = await start();
    assert.equal(cookieOf(await post('/login', 'user=ada&password=wrong')), '');
    assert.equal(cookieOf(await post('/login', 'user=eve')), '');
    const right = 'user=ada&password=engine';
    assert.equal(cookieOf(await post('/login', right, '', 'https://evil.test')), '');
  });
});

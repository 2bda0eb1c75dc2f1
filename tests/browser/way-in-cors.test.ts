import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { after, describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { sharedChromium } from './chromium.ts';
import { browse, open, openFramed, startSites } from './sites.ts';
import { inShort } from './wiretap.ts';

const [chromium, sites] = await Promise.all([sharedChromium(), startSites({ after })]);
const scope = failOnLeaks();
const { origin, clearOrigin, gatewayUrl: url, wiretap } = sites;
const bearer = await signToken(SITE_CLAIMS);

/** What a page asks for. */
interface Question {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly credentials?: 'include' | 'omit';
}

/** What it may read of the answer; nothing but `error` where it may read none of it. */
interface Readable {
  readonly status?: number;
  readonly type?: string;
  readonly names?: readonly string[];
  readonly members?: readonly string[];
  readonly code?: string;
  readonly error?: string;
}

/** Runs in a page: asks, and tells all that it can find out. */
async function ask({
  url,
  method = 'POST',
  headers = {},
  credentials = 'include',
}: Question): Promise<Readable> {
  try {
    const body = method === 'GET' ? null : '{}';
    const answer = await fetch(`${url}/preauth`, { method, credentials, headers, body });
    const said: object = await answer.json();
    const names: string[] = [];
    answer.headers.forEach((_, name) => names.push(name));
    const code = 'type' in said ? { code: String(said.type) } : {};
    const { status, type } = answer;
    return { status, type, names, members: Object.keys(said), ...code };
  } catch (error) {
    return { error: String(error) };
  }
}

const CORRECT = {
  'Content-Type': 'application/json',
  'X-Postern-Preauth': '1',
  Authorization: `Bearer ${bearer}`,
} as const;

const UNREADABLE = { error: 'TypeError: Failed to fetch' };

const corsOf = (headers: IncomingHttpHeaders): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control')));

describe('The answer of preauthentication to a page of the listed origin', () => {
  it('is read whole but for its headers, of which CORS shows the harmless ones', async () => {
    const page = await open(await browse(scope, chromium), origin('app.test'));
    wiretap.take();
    assert.deepEqual(await page.evaluate(ask, { url, headers: CORRECT }), {
      status: 200,
      type: 'cors',
      names: ['cache-control', 'content-length', 'content-type'],
      members: ['csrfToken', 'expiresIn', 'url', 'subprotocol', 'user', 'authExpiresAt'],
    });
    const [preflight, post, ...more] = wiretap.take();
    assert.ok(preflight && post);
    assert.deepEqual(more, []);

    const allowed = {
      'access-control-allow-origin': origin('app.test'),
      'access-control-allow-credentials': 'true',
    };
    assert.equal(`${preflight.method} ${inShort(preflight)}`, 'OPTIONS 204');
    assert.deepEqual(corsOf(preflight.answered), {
      ...allowed,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'Authorization, Content-Type, X-Postern-Preauth',
      'access-control-max-age': '600',
    });
    assert.equal(`${post.method} ${inShort(post)}`, 'POST 200');
    assert.deepEqual(corsOf(post.answered), allowed);
    for (const { answered } of [preflight, post]) {
      assert.equal(answered.vary, 'Origin');
      assert.equal(answered['cache-control'], 'no-store');
    }
  });

  it('is read where it is a refusal, and says which', async () => {
    const page = await open(await browse(scope, chromium), origin('app.test'));
    const read = async (question: Omit<Question, 'url'>): Promise<string> => {
      const { status, code, error } = await page.evaluate(ask, { url, ...question });
      return error ?? `${status} ${code}`;
    };
    const forged = { ...CORRECT, Authorization: 'Bearer a.b.c' };
    assert.equal(await read({ headers: forged }), '401 urn:postern:failure:token_invalid');
    assert.equal(await read({ method: 'GET' }), '405 urn:postern:failure:method_not_allowed');
  });

  it('comes to no question with another method or header: the browser does not ask it', async () => {
    const page = await open(await browse(scope, chromium), origin('app.test'));
    wiretap.take();
    for (const question of [
      { url, method: 'PUT', headers: CORRECT },
      { url, headers: { ...CORRECT, 'X-Other': '1' } },
    ])
      assert.deepEqual(await page.evaluate(ask, question), UNREADABLE);
    assert.deepEqual(
      wiretap.take().map(({ method }) => method),
      ['OPTIONS', 'OPTIONS'],
    );
  });
});

describe('The answer of preauthentication to another page', () => {
  it('shows nothing to one of another site, of a sibling domain, in the clear or in a sandbox', async () => {
    const context = await browse(scope, chromium);
    const others = [
      await open(context, origin('evil.test')),
      await open(context, origin('sub.app.test')),
      await open(context, clearOrigin('app.test')),
      await openFramed(context, { origin: origin('app.test'), framed: 'sandbox' }),
    ];
    const questions: readonly Question[] = [
      { url, headers: CORRECT },
      { url },
      { url, credentials: 'omit' },
    ];
    for (const page of others) {
      wiretap.take();
      for (const question of questions)
        assert.deepEqual(await page.evaluate(ask, question), UNREADABLE, page.url());

      const heard = wiretap.take();
      assert.deepEqual(
        heard.map((one) => `${one.method} ${inShort(one)}`),
        ['OPTIONS 403 origin_denied', 'POST 403 origin_denied', 'POST 403 origin_denied'],
      );
      for (const { answered } of heard) assert.deepEqual(corsOf(answered), {}, page.url());
    }
    assert.deepEqual(await context.cookies(url), []);
  });

  it('is read by one of the embed origin without credentials only', async () => {
    const page = await open(await browse(scope, chromium), origin('embed.test'));
    const question = { url, headers: CORRECT };
    assert.deepEqual(await page.evaluate(ask, question), UNREADABLE);
    const omitted: Question = { ...question, credentials: 'omit' };
    assert.equal((await page.evaluate(ask, omitted)).code, 'urn:postern:failure:origin_denied');
  });
});

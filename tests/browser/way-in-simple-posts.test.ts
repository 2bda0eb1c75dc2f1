import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import type { BrowserContext, Page } from 'playwright-core';

import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { sharedChromium } from './chromium.ts';
import { preauthByFetch } from './page-scripts.ts';
import { browse, open, startSites, writeCookies } from './sites.ts';
import { inShort } from './wiretap.ts';

const [chromium, sites] = await Promise.all([
  sharedChromium(),
  startSites(
    { after },
    {
      environment: ({ origin }) => ({
        POSTERN_SITE_COOKIE: 'site',
        // It is listed: not the origin is to be what refuses it.
        POSTERN_ALLOWED_ORIGINS: `${origin('app.test')},${origin('sub.app.test')}`,
      }),
    },
  ),
]);
const scope = failOnLeaks();
const { origin, gatewayUrl: url, wiretap } = sites;
const bearer = await signToken(SITE_CLAIMS);
const evesToken = await signToken({ ...SITE_CLAIMS, sub: 'eve', sid: 'login-2' });

/** Ways to post that need no preflight. */
const KINDS = ['text', 'blob', 'parameters', 'multipart', 'nothing'] as const;

/** Runs in a page: posts as a form could, and gets no answer to read. */
async function postBlindly({
  url,
  kind,
}: {
  readonly url: string;
  readonly kind: (typeof KINDS)[number];
}): Promise<string> {
  const form = new FormData();
  form.set('a', 'b');
  const bodies = {
    text: '{}',
    blob: new Blob(['{}'], { type: 'application/json' }),
    parameters: new URLSearchParams({ a: 'b' }),
    multipart: form,
    nothing: null,
  };
  const answer = await fetch(`${url}/preauth`, {
    method: 'POST',
    mode: 'no-cors',
    credentials: 'include',
    body: bodies[kind],
  });
  return answer.type;
}

/** Runs in a page: posts by a form whose body is JSON in a way. */
function submitForm(url: string): void {
  const form = document.createElement('form');
  form.method = 'post';
  form.enctype = 'text/plain';
  form.action = `${url}/preauth`;
  const field = document.createElement('input');
  field.name = '{"a":"';
  field.value = '"}';
  form.append(field);
  document.body.append(form);
  form.submit();
}

/** Runs in a page: asks by CORS with headers of its choice, and tells what it may read. */
async function ask({
  url,
  headers,
}: {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}): Promise<unknown> {
  const answer = await fetch(`${url}/preauth`, {
    method: 'POST',
    credentials: 'include',
    headers,
    body: '{}',
  });
  return (await answer.json()).type;
}

/** A browser in which Ada has preauthenticated, and a sibling has planted Eve's login at the site. */
async function attacked(): Promise<{
  readonly context: BrowserContext;
  readonly page: Page;
  readonly jar: () => Promise<readonly string[]>;
}> {
  const context = await browse(scope, chromium);
  const page = await open(context, origin('app.test'));
  const told = await page.evaluate(preauthByFetch, { url, bearer });
  assert.equal(told['user'], 'ada');
  await page.goto(`${origin('sub.app.test')}/`);
  const plant = `site=${evesToken}; Domain=app.test; Path=/; Secure`;
  await writeCookies(page, [plant], (all) => all.includes(evesToken));
  wiretap.take();
  const jar = async (): Promise<readonly string[]> =>
    (await context.cookies(url)).filter(({ name }) => name !== 'site').map(({ value }) => value);
  return { context, page, jar };
}

describe('A post of a listed sibling that needs no preflight', () => {
  it('is told by its Fetch Metadata, and leaves the cookie of another login alone', async () => {
    const { page, jar } = await attacked();
    const before = await jar();
    assert.equal(before.length, 1);
    assert.equal(await page.evaluate(postBlindly, { url, kind: KINDS[0] }), 'opaque');
    const [post, ...more] = wiretap.take();
    assert.ok(post);
    assert.deepEqual(more, []);
    assert.equal(post.sent.origin, origin('sub.app.test'));
    assert.equal(post.sent['sec-fetch-mode'], 'no-cors');
    assert.equal(post.sent['sec-fetch-site'], 'same-site');
    assert.ok(post.sent.cookie?.includes(evesToken));
    assert.equal(inShort(post), '403 fetch_denied');
    assert.deepEqual(await jar(), before);
  });

  it('is told by its content type in a browser without Fetch Metadata, whatever it posts', async () => {
    const { page, jar } = await attacked();
    const before = await jar();
    wiretap.withhold(/^sec-fetch-/i);
    scope.after(() => Promise.resolve(wiretap.withhold(undefined)));

    for (const kind of KINDS) {
      assert.equal(await page.evaluate(postBlindly, { url, kind }), 'opaque');
      assert.deepEqual(wiretap.take().map(inShort), ['415 unsupported_media_type'], kind);
    }
    await page.evaluate(submitForm, url);
    const [form] = await until('the form', () => {
      const posts = wiretap.take().filter(({ method }) => method === 'POST');
      return posts.length > 0 && posts;
    });
    assert.equal(form && inShort(form), '415 unsupported_media_type');
    assert.deepEqual(await jar(), before);
  });

  it('may not leave one of the two headers out either that make a browser ask first', async () => {
    const { page, jar } = await attacked();
    const before = await jar();
    const typed = { 'Content-Type': 'application/json' };
    const marked = { 'X-Postern-Preauth': '1' };
    const code = (name: string): string => `urn:postern:failure:${name}`;

    assert.equal(await page.evaluate(ask, { url, headers: {} }), code('unsupported_media_type'));
    assert.deepEqual(wiretap.take().map(inShort), ['415 unsupported_media_type']);
    assert.equal(
      await page.evaluate(ask, { url, headers: marked }),
      code('unsupported_media_type'),
    );
    assert.deepEqual(wiretap.take().map(inShort), ['204', '415 unsupported_media_type']);
    assert.equal(await page.evaluate(ask, { url, headers: typed }), code('preflight_required'));
    assert.deepEqual(wiretap.take().map(inShort), ['400 preflight_required']);
    assert.deepEqual(await jar(), before);

    // Nothing else was wrong: with both, which a page that is not listed cannot send, the jar changes.
    await page.evaluate(ask, { url, headers: { ...typed, ...marked } });
    assert.deepEqual(wiretap.take().map(inShort), ['200']);
    assert.notDeepEqual(await jar(), before);
  });
});

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { sharedChromium } from './chromium.ts';
import { connect, preauthByFetch } from './page-scripts.ts';
import { browse, open, startSites } from './sites.ts';
import { inShort } from './wiretap.ts';

const [chromium, sites] = await Promise.all([sharedChromium(), startSites({ after })]);
const scope = failOnLeaks();
const { origin, gateway, gatewayUrl: url, wiretap } = sites;
const bearer = await signToken(SITE_CLAIMS);

/** Runs in a page: posts as a form could, without a preflight. */
async function postBlindly(url: string): Promise<string> {
  const answer = await fetch(`${url}/preauth`, {
    method: 'POST',
    mode: 'no-cors',
    credentials: 'include',
    body: '{}',
  });
  return answer.type;
}

describe('The cookie jar of Chromium', () => {
  it('gets nothing from a post of a sibling that needs no preflight', async () => {
    const context = await browse(scope, chromium);
    const page = await open(context, origin('sub.app.test'));
    wiretap.take();
    assert.equal(await page.evaluate(postBlindly, url), 'opaque');
    assert.deepEqual(wiretap.take().map(inShort), ['403 origin_denied']);
    assert.deepEqual(await context.cookies(url), []);
  });

  it('gets nothing from a sibling that asks by CORS either, which may not read why', async () => {
    const context = await browse(scope, chromium);
    const page = await open(context, origin('sub.app.test'));
    wiretap.take();
    assert.deepEqual(Object.keys(await page.evaluate(preauthByFetch, { url, bearer })), ['error']);
    const [preflight, ...more] = wiretap.take();
    assert.equal(preflight?.method, 'OPTIONS');
    assert.equal(preflight && inShort(preflight), '403 origin_denied');
    assert.deepEqual(more, []);
    assert.deepEqual(await context.cookies(url), []);
  });

  it('holds the cookie of the last login only: the tab of the one before never becomes it', async () => {
    const context = await browse(scope, chromium);
    const page = await open(context, origin('app.test'));
    const a = await page.evaluate(preauthByFetch, { url, bearer });
    const other = await signToken({ ...SITE_CLAIMS, sub: 'bo', sid: 'login-2' });
    await page.evaluate(preauthByFetch, { url, bearer: other });
    wiretap.take();
    const target = `${String(a['url'])}?csrf=${String(a['csrfToken'])}`;
    assert.equal(await page.evaluate(connect, { url: target }), 1006);
    assert.deepEqual(wiretap.take().map(inShort), ['401 Binding mismatch: binding_mismatch']);
    assert.ok(!gateway.events.some(({ event }) => event === 'session_started'));
  });
});

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import type { BrowserContext } from 'playwright-core';

import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { sharedChromium } from './chromium.ts';
import { connect, preauthByFetch, preauthByXhr } from './page-scripts.ts';
import { browse, open, openFramed, startSites } from './sites.ts';
import { inShort } from './wiretap.ts';

const [chromium, sites] = await Promise.all([sharedChromium(), startSites({ after })]);
const scope = failOnLeaks();
const { origin, clearOrigin, gateway, gatewayUrl, wiretap } = sites;
const COOKIE = '__Host-Http-postern';
const bearer = await signToken(SITE_CLAIMS);

/** Somebody who has preauthenticated on `app.test`, and what a thief would need. */
async function loggedIn(): Promise<{
  readonly context: BrowserContext;
  readonly cookie: string;
  readonly csrf: string;
  readonly ws: string;
}> {
  const context = await browse(scope, chromium);
  const page = await open(context, origin('app.test'));
  const told = await page.evaluate(preauthByFetch, { url: gatewayUrl, bearer });
  assert.equal(told['status'], 200);
  const [cookie] = await context.cookies(gatewayUrl);
  assert.deepEqual([cookie?.name, cookie?.httpOnly, cookie?.sameSite], [COOKIE, true, 'Strict']);
  wiretap.take();
  return {
    context,
    cookie: `${COOKIE}=${cookie?.value}`,
    csrf: String(told['csrfToken']),
    ws: String(told['url']),
  };
}

const sessions = (): number =>
  gateway.events.filter(({ event }) => event === 'session_started').length;

describe('A page of the listed origin in Chromium', () => {
  it('comes in by fetch, with the token in the query and among the subprotocols', async () => {
    const { context, csrf, ws } = await loggedIn();
    const page = await open(context, origin('app.test'));
    assert.equal(await page.evaluate(connect, { url: `${ws}?csrf=${csrf}` }), 'ada');
    const protocols = ['postern.v1', `postern.csrf.${csrf}`];
    assert.equal(await page.evaluate(connect, { url: ws, protocols }), 'ada');
    assert.equal((await gateway.logged('session_started'))['protocol'], 'v1');
  });

  it('comes in by XMLHttpRequest too', async () => {
    const page = await open(await browse(scope, chromium), origin('app.test'));
    const { csrfToken, url } = await page.evaluate(preauthByXhr, { url: gatewayUrl, bearer });
    assert.equal(await page.evaluate(connect, { url: `${url}?csrf=${csrfToken}` }), 'ada');
  });

  it('connects ten tabs that preauthenticate at once', async () => {
    const before = sessions();
    const context = await browse(scope, chromium);
    const tabs = await Promise.all(
      Array.from({ length: 10 }, () => open(context, origin('app.test'))),
    );
    const asked = await Promise.all(
      tabs.map((tab) => tab.evaluate(preauthByFetch, { url: gatewayUrl, bearer })),
    );
    const users = await Promise.all(
      tabs.map((tab, index) =>
        tab.evaluate(connect, {
          url: `${String(asked[index]?.['url'])}?csrf=${String(asked[index]?.['csrfToken'])}`,
        }),
      ),
    );
    assert.deepEqual(
      users,
      Array.from({ length: 10 }, () => 'ada'),
    );
    assert.equal(sessions(), before + 10);
  });
});

describe('A page of another origin, with the cookie in the jar and a stolen token', () => {
  it('is refused when it is of another site, whose handshake comes without the cookie', async () => {
    const { context, csrf, ws } = await loggedIn();
    const page = await open(context, origin('evil.test'));
    assert.equal(await page.evaluate(connect, { url: `${ws}?csrf=${csrf}` }), 1006);
    const [handshake, ...more] = wiretap.take();
    assert.deepEqual(more, []);
    assert.equal(handshake?.sent.origin, origin('evil.test'));
    assert.equal(handshake?.sent.cookie, undefined);
    assert.equal(handshake && inShort(handshake), '403 Origin not allowed');
  });

  it('is refused when it is of a sibling domain, though the gateway is sent the cookie', async () => {
    const { context, cookie, csrf, ws } = await loggedIn();
    const page = await open(context, origin('sub.app.test'));
    assert.equal(await page.evaluate(connect, { url: `${ws}?csrf=${csrf}` }), 1006);
    const [handshake, ...more] = wiretap.take();
    assert.deepEqual(more, []);
    assert.equal(handshake?.sent.origin, origin('sub.app.test'));
    assert.equal(handshake?.sent.cookie, cookie);
    assert.equal(handshake && inShort(handshake), '403 Origin not allowed');
  });

  it('is refused in a sandboxed frame, whose origin is null', async () => {
    const { context, csrf, ws } = await loggedIn();
    const frame = await openFramed(context, { origin: origin('app.test'), framed: 'sandbox' });
    assert.equal(await frame.evaluate(() => globalThis.origin), 'null');
    assert.equal(await frame.evaluate(connect, { url: `${ws}?csrf=${csrf}` }), 1006);
    const [handshake] = wiretap.take();
    assert.equal(handshake?.sent.origin, 'null');
    assert.equal(handshake && inShort(handshake), '403 Origin not allowed');
  });

  it('is refused when it is of the listed host, but in the clear', async () => {
    const { context, csrf, ws } = await loggedIn();
    const page = await open(context, clearOrigin('app.test'));
    assert.equal(await page.evaluate(connect, { url: `${ws}?csrf=${csrf}` }), 1006);
    const [handshake] = wiretap.take();
    assert.equal(handshake?.sent.origin, clearOrigin('app.test'));
    assert.equal(handshake && inShort(handshake), '403 Origin not allowed');
  });
});

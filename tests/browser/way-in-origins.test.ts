import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import type { BrowserContext } from 'playwright-core';

import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { startChromium } from './chromium.ts';
import { connect, preauthByFetch, preauthByXhr } from './page-scripts.ts';
import { open, SITE_FLAGS, startSites } from './sites.ts';
import type { Sites } from './sites.ts';

const chromium = await startChromium({ after }, SITE_FLAGS);
const scope = failOnLeaks();
const COOKIE = '__Host-Http-postern';
const bearer = await signToken(SITE_CLAIMS);

/** Somebody who has preauthenticated on `app.test`, and what a thief would need. */
async function loggedIn(): Promise<Sites & { context: BrowserContext; csrf: string; ws: string }> {
  const sites = await startSites(scope);
  const context = await sites.browse(chromium);
  const page = await open(context, sites.origin('app.test'));
  const told = await page.evaluate(preauthByFetch, { url: sites.gatewayUrl, bearer });
  assert.equal(told['status'], 200);
  const [cookie] = await context.cookies(sites.gatewayUrl);
  assert.deepEqual([cookie?.name, cookie?.httpOnly, cookie?.sameSite], [COOKIE, true, 'Strict']);
  return { ...sites, context, csrf: String(told['csrfToken']), ws: String(told['url']) };
}

describe('A page of the listed origin in Chromium', () => {
  it('comes in by fetch, with the token in the query and among the subprotocols', async () => {
    const { context, origin, csrf, ws, gateway } = await loggedIn();
    const page = await open(context, origin('app.test'));
    assert.equal(await page.evaluate(connect, { url: `${ws}?csrf=${csrf}` }), 'ada');
    const protocols = ['postern.v1', `postern.csrf.${csrf}`];
    assert.equal(await page.evaluate(connect, { url: ws, protocols }), 'ada');
    assert.equal((await gateway.logged('session_started'))['protocol'], 'v1');
  });

  it('comes in by XMLHttpRequest too', async () => {
    const sites = await startSites(scope);
    const page = await open(await sites.browse(chromium), sites.origin('app.test'));
    const { csrfToken, url } = await page.evaluate(preauthByXhr, {
      url: sites.gatewayUrl,
      bearer,
    });
    assert.equal(await page.evaluate(connect, { url: `${url}?csrf=${csrfToken}` }), 'ada');
    assert.equal((await sites.gateway.logged('session_started'))['protocol'], 'v1');
  });

  it('connects ten tabs that preauthenticate at once', async () => {
    const sites = await startSites(scope);
    const context = await sites.browse(chromium);
    const tabs = await Promise.all(
      Array.from({ length: 10 }, () => open(context, sites.origin('app.test'))),
    );
    const asked = await Promise.all(
      tabs.map((tab) => tab.evaluate(preauthByFetch, { url: sites.gatewayUrl, bearer })),
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
    const started = sites.gateway.events.filter(({ event }) => event === 'session_started');
    assert.equal(started.length, 10);
  });
});

describe('A page of another origin, with the cookie in the jar and a stolen token', () => {
  for (const host of ['evil.test', 'sub.app.test']) {
    it(`is refused when it is of ${host}: it sees 1006, the gateway says origin_denied`, async () => {
      const { context, origin, csrf, ws, gateway, pagePort, cookiesSeen } = await loggedIn();
      const page = await open(context, origin(host));
      // A cookie knows no port: this server is sent what the gateway is sent.
      await page.evaluate(connect, { url: `wss://gw.app.test:${pagePort}/` });
      assert.equal(cookiesSeen.length, 1);
      assert.equal(cookiesSeen[0]?.includes(COOKIE) ?? false, host === 'sub.app.test');

      assert.equal(await page.evaluate(connect, { url: `${ws}?csrf=${csrf}` }), 1006);
      assert.equal((await gateway.logged('handshake_refused'))['code'], 'origin_denied');
    });
  }

  it('is refused in a sandboxed frame, whose origin is null', async () => {
    const { context, origin, csrf, ws, gateway } = await loggedIn();
    const page = await context.newPage();
    await page.goto(`${origin('app.test')}/?frame=sandbox`);
    const frame = page.frames()[1];
    assert.ok(frame);
    assert.equal(await frame.evaluate(() => globalThis.origin), 'null');
    assert.equal(await frame.evaluate(connect, { url: `${ws}?csrf=${csrf}` }), 1006);
    assert.equal((await gateway.logged('handshake_refused'))['code'], 'origin_denied');
  });

  it('is refused when it is of the listed host, but in the clear', async () => {
    const { context, clearOrigin, csrf, ws, gateway } = await loggedIn();
    const page = await open(context, clearOrigin('app.test'));
    assert.equal(await page.evaluate(connect, { url: `${ws}?csrf=${csrf}` }), 1006);
    assert.equal((await gateway.logged('handshake_refused'))['code'], 'origin_denied');
  });
});

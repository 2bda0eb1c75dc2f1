import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';

import { createSigningKeys } from '#gateway/auth/signing-keys.js';

import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { inTime } from '../support/wait.ts';
import { csrfOf } from '../support/ws-attacks.ts';
import { sharedChromium } from './chromium.ts';
import { connect, preauthByFetch, socketOf } from './page-scripts.ts';
import { browse, open, startSites } from './sites.ts';
import type { Pages } from './sites.ts';
import { inShort } from './wiretap.ts';

const secret = randomBytes(32);
const keys = createSigningKeys([{ kid: 'a', secret }]);

/** Pages in the clear are listed as well: not the origin is to be what refuses them. */
const environment = ({ origin, clearOrigin }: Pages): Readonly<Record<string, string>> => ({
  POSTERN_ALLOWED_ORIGINS: `${origin('app.test')},${clearOrigin('app.test')}`,
  POSTERN_SECRETS: `a:${secret.toString('base64')}`,
});

const [chromium, clear, secure] = await Promise.all([
  sharedChromium(),
  startSites({ after }, { environment, speaks: 'clear' }),
  startSites({ after }, { environment }),
]);
const scope = failOnLeaks();
const bearer = await signToken(SITE_CLAIMS);

describe('A gateway that is reached in the clear', () => {
  it('gives no tickets to a page in the clear: TLS is missing, as one of its own origin may read', async () => {
    const context = await browse(scope, chromium);
    const { gatewayUrl: url, clearOrigin, wiretap } = clear;
    const page = await open(context, clearOrigin('app.test'));
    wiretap.take();
    const unread = await page.evaluate(preauthByFetch, { url, bearer });
    assert.deepEqual(unread, { error: 'TypeError: Failed to fetch' });
    // More than once: 421 makes Chromium try on another connection (RFC 9110 §15.5.20).
    const preflights = wiretap.take().map((one) => `${one.method} ${inShort(one)}`);
    assert.deepEqual([...new Set(preflights)], ['OPTIONS 421 tls_required']);

    await page.goto(`${url}/healthz`);
    const { status, type } = await page.evaluate(preauthByFetch, { url, bearer });
    assert.deepEqual([status, type], [421, 'urn:postern:failure:tls_required']);
    assert.deepEqual(await context.cookies(), []);
  });

  it('opens no socket to one that has a CSRF token: no browser sends the cookie in the clear', async () => {
    const context = await browse(scope, chromium);
    const page = await open(context, secure.origin('app.test'));
    await page.evaluate(preauthByFetch, { url: secure.gatewayUrl, bearer });
    // A cookie knows no port: that of the one gateway would do for the other.
    assert.equal((await context.cookies(secure.gatewayUrl)).length, 1);

    const origin = clear.clearOrigin('app.test');
    await page.goto(`${origin}/`);
    const url = `${clear.gatewayUrl.replace('http', 'ws')}/ws?csrf=${csrfOf({ keys, origin })}`;
    clear.wiretap.take();
    const closed = page.evaluate(connect, { url });
    assert.equal(await inTime('the close of the socket', closed), 1006);
    const [handshake] = clear.wiretap.take();
    assert.equal(handshake?.sent.origin, origin);
    assert.equal(handshake.sent.cookie, undefined);
    assert.equal(inShort(handshake), '401 Unauthorized: cookie_missing');
  });
});

describe('A gateway that is reached by TLS', () => {
  it('takes a page in the clear for one of another site, even if it is listed', async () => {
    const context = await browse(scope, chromium);
    const { gatewayUrl: url, wiretap, origin, clearOrigin } = secure;
    const page = await open(context, origin('app.test'));
    const told = await page.evaluate(preauthByFetch, { url, bearer });
    assert.equal(await page.evaluate(connect, socketOf(told)), 'ada');
    const jar = await context.cookies(url);

    await page.goto(`${clearOrigin('app.test')}/`);
    const { status, type } = await page.evaluate(preauthByFetch, { url, bearer });
    assert.deepEqual([status, type], [403, 'urn:postern:failure:fetch_denied']);
    wiretap.take();
    assert.equal(await page.evaluate(connect, socketOf(told)), 1006);
    const [handshake] = wiretap.take();
    assert.equal(handshake?.sent.origin, clearOrigin('app.test'));
    assert.equal(handshake.sent.cookie, undefined);
    assert.equal(inShort(handshake), '401 Unauthorized: cookie_missing');
    assert.deepEqual(await context.cookies(url), jar);
  });
});

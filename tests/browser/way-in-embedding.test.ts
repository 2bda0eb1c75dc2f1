import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { inTime } from '../support/wait.ts';
import { sharedChromium } from './chromium.ts';
import { connect, preauthByFetch, socketOf } from './page-scripts.ts';
import type { Told } from './page-scripts.ts';
import { browse, open, openFramed, startSites } from './sites.ts';
import { inShort } from './wiretap.ts';

const [chromium, sites] = await Promise.all([sharedChromium(), startSites({ after })]);
const scope = failOnLeaks();
const { origin, gatewayUrl: url, wiretap } = sites;
const bearer = await signToken(SITE_CLAIMS);

/** Where a framed page connects to, with its token in the query. */
const embedded = (told: Told): { readonly url: string } => ({
  url: `${String(told['url'])}?embed=${String(told['embedToken'])}`,
});

describe('A page of the listed origin in a frame of another site', () => {
  for (const host of ['evil.test', 'embed.test'])
    it(`is refused within moments in one of ${host}: no cookie is kept there, and none is sent`, async () => {
      const context = await browse(scope, chromium);
      const frame = await openFramed(context, {
        origin: origin(host),
        framed: `${origin('app.test')}/`,
      });
      const told = await frame.evaluate(preauthByFetch, { url, bearer });
      assert.equal(told['status'], 200);
      assert.deepEqual(await context.cookies(url), []);
      wiretap.take();
      const closed = frame.evaluate(connect, socketOf(told));
      assert.equal(await inTime('the close of the socket', closed), 1006);
      const [handshake] = wiretap.take();
      assert.equal(handshake?.sent.origin, origin('app.test'));
      assert.equal(handshake.sent.cookie, undefined);
      assert.equal(inShort(handshake), '401 Unauthorized: cookie_missing');
    });

  it('has no use of the cookie that a tab of its own holds, and does not replace it', async () => {
    const context = await browse(scope, chromium);
    const tab = await open(context, origin('app.test'));
    const first = await tab.evaluate(preauthByFetch, { url, bearer });
    const jar = await context.cookies(url);
    assert.equal(jar.length, 1);
    const frame = await openFramed(context, {
      origin: origin('evil.test'),
      framed: `${origin('app.test')}/`,
    });
    const second = await frame.evaluate(preauthByFetch, { url, bearer });
    wiretap.take();
    assert.equal(await frame.evaluate(connect, socketOf(second)), 1006);
    assert.equal(await frame.evaluate(connect, socketOf(first)), 1006);
    assert.deepEqual(
      wiretap.take().map(({ sent }) => sent.cookie),
      [undefined, undefined],
    );
    assert.deepEqual(await context.cookies(url), jar);
    assert.equal(await tab.evaluate(connect, socketOf(first)), 'ada');
  });
});

describe('A page of the embed origin in a frame of another site', () => {
  it('opens one socket by an embed token, and no other, without any cookie', async () => {
    const context = await browse(scope, chromium);
    const frame = await openFramed(context, {
      origin: origin('evil.test'),
      framed: `${origin('embed.test')}/`,
    });
    const told = await frame.evaluate(preauthByFetch, { url, bearer, embed: true });
    assert.equal(told['status'], 200);
    wiretap.take();
    assert.equal(await frame.evaluate(connect, embedded(told)), 'ada');
    assert.equal(await frame.evaluate(connect, embedded(told)), 1006);
    assert.deepEqual(wiretap.take().map(inShort), ['101', '401 Ticket replayed: csrf_replayed']);

    const again = await frame.evaluate(preauthByFetch, { url, bearer, embed: true });
    const offered = {
      url: String(again['url']),
      protocols: ['postern.v1', `postern.embed.${String(again['embedToken'])}`],
    };
    assert.equal(await frame.evaluate(connect, offered), 'ada');
    assert.equal(await frame.evaluate(connect, offered), 1006);
    assert.deepEqual(await context.cookies(), []);
  });

  it('is told nothing by the cookie way, which its browser does not let it read', async () => {
    const context = await browse(scope, chromium);
    const frame = await openFramed(context, {
      origin: origin('evil.test'),
      framed: `${origin('embed.test')}/`,
    });
    const told = await inTime('an answer', frame.evaluate(preauthByFetch, { url, bearer }));
    assert.deepEqual(told, { error: 'TypeError: Failed to fetch' });
    assert.deepEqual(await context.cookies(), []);
  });

  it('loses nothing to the page around it, which cannot use the token, nor use it up', async () => {
    const context = await browse(scope, chromium);
    const frame = await openFramed(context, {
      origin: origin('evil.test'),
      framed: `${origin('embed.test')}/`,
    });
    const told = await frame.evaluate(preauthByFetch, { url, bearer, embed: true });
    wiretap.take();
    assert.equal(await frame.page().evaluate(connect, embedded(told)), 1006);
    assert.deepEqual(wiretap.take().map(inShort), ['403 Origin not allowed']);
    assert.equal(await frame.evaluate(connect, embedded(told)), 'ada');
  });
});

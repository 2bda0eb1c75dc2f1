import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import type { Page } from 'playwright-core';

import { failOnLeaks } from '../support/leaks.ts';
import { codeBlocks, page as pageOf } from '../support/pages.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { sharedChromium } from './chromium.ts';
import {
  startFollowing,
  followed,
  hangUp,
  listen,
  preauthByFetch,
  statusOf,
  streamed,
} from './page-scripts.ts';
import type { Streamed } from './page-scripts.ts';
import { browse, open, startSites } from './sites.ts';
import { inShort } from './wiretap.ts';

const root = await scratchFolder({ after });
await writeFile(join(root, 'index.html'), '<!doctype html><title>page</title>');
const [chromium, sites] = await Promise.all([
  sharedChromium(),
  startSites({ after }, { environment: () => ({ POSTERN_STATIC_ROOT: root }) }),
]);
const scope = failOnLeaks();
const { origin, gateway, gatewayUrl, wiretap } = sites;
/** What the page on the protocol has pages do that read streams. */
const SCRIPT =
  codeBlocks(pageOf('docs/protocol.md').text, 'js').find((one) => one.includes('EventSource')) ??
  assert.fail();
const TYPES = ['welcome', 'message', 'gap', 'status', 'expiring', 'expired', 'closed'] as const;

/** A page that has preauthenticated, and where its stream is. */
async function loggedIn(
  where: string,
  seconds = 3_600,
): Promise<{ readonly page: Page; readonly url: string }> {
  const page = await open(await browse(scope, chromium), where);
  const bearer = await signToken({ ...SITE_CLAIMS, exp: inSeconds(seconds) });
  const { csrfToken } = await page.evaluate(preauthByFetch, { url: gatewayUrl, bearer });
  wiretap.take();
  return { page, url: `${gatewayUrl}/sse?channel=chat&channel=room:1&csrf=${String(csrfToken)}` };
}

const notify = (channel: string, payload: unknown) =>
  gateway.query('SELECT pg_notify($1, $2)', [
    gateway.channel,
    JSON.stringify({ channel, payload }),
  ]);

/** Waits until an EventSource has seen this many events, and returns what it saw. */
const seen = (page: Page, count: number, deadlineMs?: number): Promise<Streamed> =>
  until(
    `${count} events`,
    async () => {
      const now = await page.evaluate(streamed);
      return now.events.length >= count && now;
    },
    deadlineMs,
  );

const givenUp = (page: Page): Promise<Streamed> =>
  until('the end of the EventSource', async () => {
    const now = await page.evaluate(streamed);
    return now.readyState === 2 && now;
  });

const typesIn = ({ events }: Streamed): readonly string[] => events.map(([type]) => type);
const payloadsIn = ({ events }: Streamed): readonly unknown[] =>
  events.filter(([type]) => type === 'message').map(([, data]) => JSON.parse(data).payload);

/** The number in a cursor. */
const placeIn = (cursor: string): number => Number(cursor.split('.')[1]);

describe('An EventSource in Chromium', () => {
  for (const [whose, where] of [
    ['the gateway’s own origin, for which browsers send no Origin', gatewayUrl],
    ['a listed origin', origin('app.test')],
  ] as const)
    it(`on a page of ${whose}, has the messages of its channels, in order`, async () => {
      const { page, url } = await loggedIn(where);
      await page.evaluate(listen, { url, types: TYPES });
      await seen(page, 1);
      const [asked] = wiretap.take();
      const isOwn = where === gatewayUrl;
      assert.equal(asked?.sent.origin, isOwn ? undefined : where);
      assert.equal(asked?.sent['sec-fetch-site'], isOwn ? 'same-origin' : 'same-site');
      await notify('chat', 'line one\nline two\r\n\u2028 \0 data: x\n\nevent: forged');
      await notify('room:1', { deep: ['ü', 1] });
      await notify('room:2', 'of another channel');
      await notify('chat', 'last');
      const all = await seen(page, 4);
      assert.deepEqual(typesIn(all), ['welcome', 'message', 'message', 'message']);
      assert.deepEqual(payloadsIn(all), [
        'line one\nline two\r\n\u2028 \0 data: x\n\nevent: forged',
        { deep: ['ü', 1] },
        'last',
      ]);
      const ids = all.events.map(([, data, id]) => [id, JSON.parse(data).cursor ?? id]);
      for (const [id, cursor] of ids) assert.equal(id, cursor);
      assert.equal(all.errors, 0);
      await page.evaluate(hangUp);
      const { session } = JSON.parse(all.events[0]?.[1] ?? '');
      const isEnd = ({ event, fields }: (typeof gateway.events)[number]): boolean =>
        event === 'session_ended' && fields['session'] === session && fields['by'] === 'client';
      await until('its end', () => gateway.events.some(isEnd));
    });

  it('comes back by itself where it was, once the connection broke, while its token counts', async () => {
    const { page, url } = await loggedIn(origin('app.test'));
    await page.evaluate(listen, { url, types: TYPES });
    await seen(page, 1);
    await notify('chat', 'before');
    await seen(page, 2);
    await gateway.query('SELECT postern.disconnect(sub => $1)', ['ada']);
    const ended = await seen(page, 3);
    assert.deepEqual(JSON.parse(ended.events[2]?.[1] ?? ''), {
      type: 'closed',
      code: 4009,
      reason: 'Disconnected',
      retry: 'yes',
    });
    await notify('room:1', 'meanwhile');
    await notify('room:2', 'of another channel');
    const all = await seen(page, 5, 10_000);
    assert.deepEqual(typesIn(all), ['welcome', 'message', 'closed', 'welcome', 'message']);
    assert.deepEqual(payloadsIn(all), ['before', 'meanwhile']);
    const again = wiretap.take().at(-1);
    assert.equal(again?.sent['last-event-id'], all.events[1]?.[2]);
    // What it was told by an id without an event it keeps, too, and says so when it comes back.
    const [, , lastSeen] = all.events[4] ?? assert.fail();
    await gateway.query('SELECT postern.disconnect(sub => $1)', ['ada']);
    const [, , lastKept] = (await seen(page, 7, 10_000)).events[6] ?? assert.fail();
    assert.equal(placeIn(lastKept), placeIn(lastSeen) + 1);
    assert.equal(wiretap.take().at(-1)?.sent['last-event-id'], lastKept);
    await page.evaluate(hangUp);
  });

  it('is told that its token has expired, and gives up when it asks with it again', async () => {
    const { page, url } = await loggedIn(origin('app.test'), 4);
    await page.evaluate(listen, { url, types: TYPES });
    await seen(page, 2);
    const all = await seen(page, 3);
    assert.deepEqual(typesIn(all), ['welcome', 'expiring', 'expired']);
    assert.equal(JSON.parse(all.events[2]?.[1] ?? '').retry, 'new-token');
    const end = await until(
      'its second try',
      async () => {
        const now = await page.evaluate(streamed);
        return now.readyState === 2 && now;
      },
      10_000,
    );
    assert.equal(end.events.length, 3);
    assert.equal(inShort(wiretap.take().at(-1) ?? assert.fail()), '401 auth_expired');
  });

  it('goes on with a new token by the script of the page on the protocol: nothing is lost, nothing comes twice', async () => {
    const page = await open(await browse(scope, chromium), origin('app.test'));
    const bearers = [
      await signToken({ ...SITE_CLAIMS, exp: inSeconds(5) }),
      await signToken(SITE_CLAIMS),
    ];
    await page.addScriptTag({ content: SCRIPT });
    await page.evaluate(startFollowing, { url: gatewayUrl, bearers });
    const told = (count: number): Promise<readonly Record<string, unknown>[]> =>
      until(
        `${count} messages`,
        async () => {
          const all = await page.evaluate(followed);
          return all.length >= count && all;
        },
        10_000,
      );
    await told(1);
    for (const n of [1, 2]) await notify('chat', n);
    assert.deepEqual(
      (await told(4)).map(({ type }) => type),
      ['welcome', 'message', 'message', 'expired'],
    );
    for (const n of [3, 4]) await notify('room:1', n);
    await told(7);
    await notify('chat', 5);
    assert.deepEqual(
      (await told(8)).flatMap(({ payload }) => payload ?? []),
      [1, 2, 3, 4, 5],
    );
    await page.close();
  });

  it('on a page of another origin gets nothing, though the browser has the cookie', async () => {
    const { page, url } = await loggedIn(origin('app.test'));
    for (const host of ['evil.test', 'sub.app.test']) {
      const foreign = await open(page.context(), origin(host));
      await foreign.evaluate(listen, { url, types: TYPES });
      const { events, errors } = await givenUp(foreign);
      assert.deepEqual([events, errors], [[], 1], host);
      assert.equal(inShort(wiretap.take().at(-1) ?? assert.fail()), '403 origin_denied', host);
      assert.equal(await foreign.evaluate(statusOf, { url }), 'TypeError: Failed to fetch', host);
    }
  });

  it('on a page of ours gets nothing without the token, or with that of another origin', async () => {
    const { page, url } = await loggedIn(origin('app.test'));
    const without = url.replace(/&csrf=.*/, '');
    assert.deepEqual(await page.evaluate(statusOf, { url: without }), [
      401,
      'urn:postern:failure:credential_missing',
    ]);
    const own = await open(page.context(), gatewayUrl);
    assert.deepEqual(await own.evaluate(statusOf, { url }), [
      403,
      'urn:postern:failure:origin_mismatch',
    ]);
  });

  it('is not shown to whoever follows a link to it', async () => {
    const { page, url } = await loggedIn(gatewayUrl);
    const answer = await page.goto(url);
    assert.equal(answer?.status(), 403);
    assert.deepEqual(wiretap.take().map(inShort), ['403 origin_missing']);
  });
});

describe('A fetch in Chromium', () => {
  it('reads a stream by a bearer, from a listed origin, after the browser has asked', async () => {
    const page = await open(await browse(scope, chromium), origin('app.test'));
    const bearer = await signToken(SITE_CLAIMS);
    const url = `${gatewayUrl}/sse?channel=chat`;
    wiretap.take();
    assert.deepEqual(await page.evaluate(statusOf, { url, bearer }), [
      200,
      'text/event-stream; charset=utf-8',
      true,
    ]);
    assert.deepEqual(
      wiretap.take().map(({ method, status }) => `${method} ${status}`),
      ['OPTIONS 204', 'GET 200'],
    );
    const foreign = await open(page.context(), origin('evil.test'));
    assert.equal(await foreign.evaluate(statusOf, { url, bearer }), 'TypeError: Failed to fetch');
  });
});

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import type { Page } from 'playwright-core';

import { killListener } from '../support/failure-causes.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { codeBlocks, page as pageOf } from '../support/pages.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { publish } from '../support/streams.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { sharedChromium } from './chromium.ts';
import { connect, preauthByFetch, socketOf } from './page-scripts.ts';
import type { Asking, Told } from './page-scripts.ts';
import { browse, open, startSites } from './sites.ts';

const [chromium, sites] = await Promise.all([sharedChromium(), startSites({ after })]);
const scope = failOnLeaks();
const { origin, gateway, gatewayUrl: url } = sites;

/** What the page on other clients has users write. */
const SCRIPT =
  codeBlocks(pageOf('docs/other-clients.md').text, 'js').find((one) =>
    one.includes('new EventSource('),
  ) ?? assert.fail();

/** As many as a browser opens to one host. */
const CONNECTIONS = 6;

/** A page that has these lines, and what it is given by preauthentication. */
async function pageOn(
  host: string,
  asking: Partial<Asking> = {},
): Promise<{ readonly page: Page; tickets(): Promise<Told> }> {
  const page = await open(await browse(scope, chromium), origin(host));
  await page.addScriptTag({ content: SCRIPT });
  const bearer = await signToken(SITE_CLAIMS);
  return { page, tickets: () => page.evaluate(preauthByFetch, { url, bearer, ...asking }) };
}

/** What one of the streams of a page was told, and what it does now, as {@link EventSource.readyState} says. */
interface Stream {
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  readonly readyState: number;
}

/** Runs in a page that has `openStream`: opens one stream more. */
function openOne({ url, csrfToken }: { readonly url: string; readonly csrfToken: unknown }): void {
  const messages: unknown[] = [];
  const take = (message: unknown): unknown => messages.push(message);
  const source = Reflect.get(globalThis, 'openStream')(url, csrfToken, 'chat', take);
  const others = Reflect.get(globalThis, 'streams') ?? [];
  Reflect.set(globalThis, 'streams', [...others, { source, messages }]);
}

/** Runs in a page with streams. */
function streams(): readonly Stream[] {
  const all: readonly { source: EventSource; messages: Stream['messages'] }[] = Reflect.get(
    globalThis,
    'streams',
  );
  return all.map(({ source: { readyState }, messages }) => ({ readyState, messages }));
}

/** Runs in a page with streams: closes the first. */
function closeFirst(): void {
  Reflect.get(globalThis, 'streams')[0].source.close();
}

/** Runs in a page: whether an EventSource is told something, or fails. */
function tryEventSource({
  url,
  withCredentials,
}: {
  readonly url: string;
  readonly withCredentials: boolean;
}): Promise<unknown> {
  return new Promise((resolve) => {
    const source = new EventSource(url, { withCredentials });
    const end = ({ type }: Event): void => {
      source.close();
      resolve(type);
    };
    source.addEventListener('welcome', end);
    source.addEventListener('error', end);
  });
}

describe('A page with an EventSource', () => {
  it('is told by the lines of the documentation what is said, and that something may be missing', async () => {
    const { page, tickets } = await pageOn('app.test');
    await page.evaluate(openOne, { url, csrfToken: (await tickets())['csrfToken'] });
    const types = async (count: number): Promise<readonly unknown[]> =>
      until(`${count} events`, async () => {
        const messages = (await page.evaluate(streams))[0]?.messages ?? [];
        return messages.length >= count && messages.map(({ type, payload }) => payload ?? type);
      });
    await types(1);
    await publish(gateway, 'chat', { text: 'ü' });
    await types(2);
    await killListener(gateway.query);
    assert.deepEqual(await types(5), ['welcome', { text: 'ü' }, 'status', 'status', 'gap']);
    await publish(gateway, 'chat', 'afterwards');
    assert.equal((await types(6))[5], 'afterwards');
  });

  it('waits for a seventh stream until one of six has ended, and not for a WebSocket', async () => {
    const { page, tickets } = await pageOn('app.test');
    const told = await tickets();
    for (let count = 0; count <= CONNECTIONS; count += 1)
      await page.evaluate(openOne, { url, csrfToken: told['csrfToken'] });
    const welcomed = async (): Promise<number> =>
      (await page.evaluate(streams)).filter(({ messages }) => messages.length > 0).length;
    await until('six streams', async () => (await welcomed()) === CONNECTIONS);
    assert.equal(await page.evaluate(connect, socketOf(told)), 'ada');
    assert.deepEqual((await page.evaluate(streams)).at(-1), { readyState: 0, messages: [] });
    await page.evaluate(closeFirst);
    await until('the seventh', async () => (await welcomed()) === CONNECTIONS + 1);
  });

  it('reads with an embed token, but for its credentials', async () => {
    const { page, tickets } = await pageOn('embed.test', { embed: true });
    for (const [withCredentials, outcome] of [
      [false, 'welcome'],
      [true, 'error'],
    ] as const) {
      const { embedToken } = await tickets();
      const target = `${url}/sse?channel=chat&embed=${String(embedToken)}`;
      const asked = { url: target, withCredentials };
      assert.equal(await page.evaluate(tryEventSource, asked), outcome);
    }
  });
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import type { createClient as CreateClient } from '@postern/client';
import type { Frame, Page } from 'playwright-core';

import { makeBundles } from '../support/bundles.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { startChromium } from './chromium.ts';
import { browse, open, openFramed, SITE_FLAGS, startSites } from './sites.ts';
import { inShort } from './wiretap.ts';

/** Gives the module's one function to what is evaluated in a page. */
const LOADER = `import { createClient } from '/postern.js'; globalThis.createClient = createClient;`;

/** The same in a worker, which is told how and tells what came of it. */
const WORKER = `${LOADER}
  onmessage = ({ data }) => followOnce(data).then(postMessage);
  ${String(followOnce)}`;

const [chromium, bundle] = await Promise.all([
  startChromium({ after }, SITE_FLAGS),
  makeBundles({ after }).then((folder) => readFile(join(folder, 'postern.js'), 'utf8')),
]);
const sites = await startSites(
  { after },
  {
    contents: {
      '/postern.js': () => ['text/javascript', bundle],
      '/worker.js': () => ['text/javascript', WORKER],
    },
  },
);
const scope = failOnLeaks();
const { origin, gatewayUrl: url, wiretap } = sites;
const bearer = await signToken(SITE_CLAIMS);

/** How a page is to follow a channel. */
interface Wish {
  readonly url: string;
  readonly bearer: string;
  readonly embed?: boolean;
}

/** Runs in a page: says something on a channel, and tells what it hears; or why it has stopped. */
function followOnce({ url: gateway, bearer: token, embed = false }: Wish): Promise<unknown> {
  const createClient: typeof CreateClient = Reflect.get(globalThis, 'createClient');
  const client = createClient({
    url: gateway,
    preauth: { embed, headers: () => ({ Authorization: `Bearer ${token}` }) },
  });
  const done = new Promise((resolve) => {
    client.on('state', (state) => {
      if (state.name === 'stopped') resolve([state.error.code, state.error.message]);
    });
    const channel = client.channel('chat');
    channel.subscribe(({ payload, claims }) => resolve([payload, claims?.sub]), {
      onSubscribed: () => void channel.publish('hello').catch(resolve),
    });
  });
  return done.finally(() => client.close());
}

/** Loads the client. What a module imports comes later than its tag. */
async function load(place: Page | Frame): Promise<void> {
  await place.addScriptTag({ type: 'module', content: LOADER });
  await place.waitForFunction(() => 'createClient' in globalThis);
}

/** Does so in a page or a frame. */
async function follow(place: Page | Frame, embed = false): Promise<unknown> {
  await load(place);
  return await place.evaluate(followOnce, { url, bearer, embed });
}

describe('The client in Chromium', () => {
  it('preauthenticates from a page of the site, publishes and hears, and leaves no token in a URL', async () => {
    const page = await open(await browse(scope, chromium), origin('app.test'));
    const addresses: string[] = [];
    page.on('websocket', (socket) => addresses.push(socket.url()));
    wiretap.take();
    assert.deepEqual(await follow(page), ['hello', 'ada']);
    assert.deepEqual(addresses, [`${url.replace('https', 'wss')}/ws`]);
    assert.deepEqual(
      wiretap.take().map(({ method, status }) => `${method} ${status}`),
      ['OPTIONS 204', 'POST 200', 'GET 101'],
    );
  });

  it('says that the cookie does not arrive, in a page that another site frames', async () => {
    const frame = await openFramed(await browse(scope, chromium), {
      origin: origin('evil.test'),
      framed: `${origin('app.test')}/`,
    });
    wiretap.take();
    const [code, message] = Object(await follow(frame));
    assert.equal(code, 'cookie_blocked');
    assert.match(String(message), /embed/);
    const refusals = wiretap.take().filter(({ status }) => status >= 400);
    assert.deepEqual(refusals.map(inShort), [
      '401 Unauthorized: cookie_missing',
      '401 Unauthorized: cookie_missing',
      '401 cookie_missing',
    ]);
  });

  it('comes in by an embed token where that is so', async () => {
    const frame = await openFramed(await browse(scope, chromium), {
      origin: origin('evil.test'),
      framed: `${origin('embed.test')}/`,
    });
    assert.deepEqual(await follow(frame, true), ['hello', 'ada']);
  });

  it('does the same in a worker', async () => {
    const page = await open(await browse(scope, chromium), origin('app.test'));
    const told = await page.evaluate(
      (wish) =>
        new Promise((resolve) => {
          const worker = new Worker('/worker.js', { type: 'module' });
          worker.addEventListener('message', ({ data }) => resolve(data));
          worker.postMessage(wish);
        }),
      { url, bearer },
    );
    assert.deepEqual(told, ['hello', 'ada']);
  });

  it('stops where nobody is logged in, with what the gateway says', async () => {
    const page = await open(await browse(scope, chromium), origin('app.test'));
    await load(page);
    const told = await page.evaluate(followOnce, { url, bearer: 'x' });
    assert.deepEqual(told, ['token_invalid', 'Token invalid']);
  });
});

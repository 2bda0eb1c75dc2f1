import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import type { Page } from 'playwright-core';

import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { sharedChromium } from './chromium.ts';
import { preauthByFetch, show, socketOf, stay } from './page-scripts.ts';
import { browse, open, startSites } from './sites.ts';

const [chromium, sites] = await Promise.all([sharedChromium(), startSites({ after })]);
const scope = failOnLeaks();
const { origin, gateway, gatewayUrl: url } = sites;

const bearerOf = (claims: Readonly<Record<string, unknown>>): Promise<string> =>
  signToken({ ...SITE_CLAIMS, ...claims });

/** Connects a tab as whoever is logged in, and returns its session. */
async function enter(page: Page, bearer: string): Promise<unknown> {
  const tickets = await page.evaluate(preauthByFetch, { url, bearer });
  const welcome = Object(await page.evaluate(stay, socketOf(tickets)));
  assert.equal(welcome.type, 'welcome', JSON.stringify(tickets));
  return welcome.session;
}

/** Has a tab go on as whoever is logged in now. */
async function goOn(page: Page, session: unknown, bearer: string): Promise<unknown> {
  const { refreshToken } = await page.evaluate(preauthByFetch, { url, bearer, session });
  return await page.evaluate(show, refreshToken);
}

describe('A tab of Chromium', () => {
  it('goes on beyond the end of its login, by one more preauthentication', async () => {
    const page = await open(await browse(scope, chromium), origin('app.test'));
    const session = await enter(page, await bearerOf({}));
    const reply = Object(await goOn(page, session, await bearerOf({ exp: 2e9 })));
    assert.deepEqual([reply.type, reply.expiresAt], ['ok', 2e9]);
  });

  it('is told by 4501 when another user has logged in, and the tab of that one stays', async () => {
    const context = await browse(scope, chromium);
    const [ofAda, ofBo] = [
      await open(context, origin('app.test')),
      await open(context, origin('app.test')),
    ];
    const session = await enter(ofAda, await bearerOf({}));
    const bearer = await bearerOf({ sub: 'bo', sid: 'login-2', exp: 2e9 });
    const other = await enter(ofBo, bearer);

    assert.equal(await goOn(ofAda, session, bearer), 4501);
    assert.equal(
      Object(await goOn(ofBo, other, await bearerOf({ sub: 'bo', sid: 'login-2', exp: 2e9 + 1 })))
        .type,
      'ok',
    );
    const refused = gateway.events.filter(({ event }) => event === 'refresh_refused');
    assert.deepEqual(
      refused.map(({ fields }) => [fields['failure'], fields['user']]),
      [['identityChanged', 'ada']],
    );
  });
});

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { sharedChromium } from './chromium.ts';
import { connect, preauthByFetch, socketOf } from './page-scripts.ts';
import { browse, open, startSites, writeCookies } from './sites.ts';
import { inShort } from './wiretap.ts';

const NAME = '__Host-Http-postern';
const TOSSED = '; Domain=app.test; Path=/; Secure';
/** Browsers put a cookie of a longer path in front. */
const TOSSED_IN_FRONT = '; Domain=app.test; Path=/ws; Secure';

/** What Chromium takes from a sibling and sends to the gateway: names that lenient servers take for ours. */
const LOOK_ALIKES = [
  'postern',
  'postern-dev',
  '__Secure-postern',
  `\u00a0${NAME}`,
  `\u0085${NAME}`,
  `\u2003${NAME}`,
  `\ufeff${NAME}`,
  `"${NAME}"`,
  `'${NAME}'`,
  `$${NAME}`,
  '$Version',
  `x,${NAME}`,
  NAME.replace('-', '\u2010'),
  NAME.replace('_', '%5f'),
] as const;

/** What the prefix forbids it to take from a script, whatever the case of the letters. */
const FORBIDDEN = [
  NAME,
  '__Host-Http-Postern',
  NAME.toLowerCase(),
  NAME.toUpperCase(),
  '__Host-postern',
  `${NAME} `,
  ` ${NAME}`,
  `=${NAME}`,
  `\t${NAME}`,
] as const;

const [chromium, sites] = await Promise.all([
  sharedChromium(),
  startSites({ after }, { environment: () => ({ POSTERN_SITE_COOKIE: 'site' }) }),
]);
const scope = failOnLeaks();
const { origin, gatewayUrl: url, wiretap } = sites;
const bearer = await signToken(SITE_CLAIMS);

/** The name and value of each cookie in a line, where Node has made a character of each octet. */
const pairsOf = (line = ''): readonly string[] =>
  line === '' ? [] : Buffer.from(line, 'latin1').toString().split('; ');

describe('Cookies that a page of a sibling domain writes', () => {
  it('are never taken for ours, though the gateway is sent every name that Chromium lets pass', async () => {
    const context = await browse(scope, chromium);
    const sibling = await open(context, origin('sub.app.test'));
    const pairs = LOOK_ALIKES.map((name) => `${name}=tossed`);
    await writeCookies(
      sibling,
      [
        ...FORBIDDEN.map((name) => `${name}=tossed${TOSSED}`),
        ...pairs.flatMap((pair) => [pair + TOSSED_IN_FRONT, pair + TOSSED]),
        `last=1${TOSSED}`,
      ],
      (cookies) => cookies.includes('last=1'),
    );

    const page = await open(context, origin('app.test'));
    const told = await page.evaluate(preauthByFetch, { url, bearer });
    wiretap.take();
    assert.equal(await page.evaluate(connect, socketOf(told)), 'ada');

    const [handshake] = wiretap.take();
    const [ours] = (await context.cookies(url)).filter(({ name }) => name === NAME);
    assert.deepEqual(
      pairsOf(handshake?.sent.cookie).toSorted(),
      [...pairs, ...pairs, 'last=1', `${NAME}=${ours?.value}`].toSorted(),
    );
  });

  it('make the site’s own cookie ambiguous, so that nobody is taken for another user', async () => {
    const context = await browse(scope, chromium);
    const neighbour = await open(context, origin('gw.app.test'));
    const token = await signToken({ ...SITE_CLAIMS, sub: 'ada' });
    await writeCookies(neighbour, [`site=${token}; Secure`], (all) => all.includes(token));
    const page = await open(context, origin('app.test'));
    assert.equal((await page.evaluate(preauthByFetch, { url }))['user'], 'ada');

    const sibling = await open(context, origin('sub.app.test'));
    const another = await signToken({ ...SITE_CLAIMS, sub: 'eve' });
    await writeCookies(sibling, [`site=${another}${TOSSED}`], (all) => all.includes(another));
    const { status, type } = await page.evaluate(preauthByFetch, { url });
    assert.deepEqual([status, type], [400, 'urn:postern:failure:cookie_ambiguous']);
  });

  it('can crowd ours out: the handshake is refused, and one more preauthentication mends it', async () => {
    const context = await browse(scope, chromium);
    const page = await open(context, origin('app.test'));
    const first = await page.evaluate(preauthByFetch, { url, bearer });
    const sibling = await open(context, origin('sub.app.test'));
    await writeCookies(
      sibling,
      Array.from({ length: 260 }, (_, index) => `c${index}=x${TOSSED}`),
      (cookies) => cookies.includes('c259=x'),
    );
    wiretap.take();
    assert.equal(await page.evaluate(connect, socketOf(first)), 1006);
    assert.deepEqual(wiretap.take().map(inShort), ['401 Unauthorized: cookie_missing']);

    const second = await page.evaluate(preauthByFetch, { url, bearer });
    assert.equal(await page.evaluate(connect, socketOf(second)), 'ada');
    assert.deepEqual(wiretap.take().map(inShort), ['200', '101']);
  });
});

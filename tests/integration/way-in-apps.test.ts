import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { APP, preauth, refused, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { embedTickets, knock, tickets, told } from '../support/way-in.ts';

/** Origins as Electron, Capacitor, Ionic and Tauri have them. */
const APPS = ['app://postern', 'capacitor://localhost', 'ionic://localhost', 'tauri://localhost'];

/** Not the same to the gateway, whatever a parser of URLs may think. */
const VARIANTS = [
  'app://postern/',
  'app://Postern',
  'APP://postern',
  'App://postern',
  'app://postern.',
  'app://postern:80',
  'app://user@postern',
  'app://postern/index.html',
  'app://postern?',
  'app://postern, app://postern',
  'app://postern.evil',
  'app://other',
  'app://',
  'app:postern',
  'app:/postern',
  'postern',
  'capacitor://postern',
  'capacitor://localhost/',
  'capacitor://LOCALHOST',
  'capacitor://127.0.0.1',
  'http://localhost',
  'https://postern',
  'file://',
  'null',
] as const;

const DENIED = '403 origin_denied';

const scope = failOnLeaks();

describe('An app with pages of a scheme of its own', () => {
  it('comes in where its origin is listed, by a cookie with a CSRF token and by a bearer', async () => {
    const { port } = await startPreauth(scope, { POSTERN_ALLOWED_ORIGINS: APPS.join() });
    const bearer = await signToken(SITE_CLAIMS);
    for (const origin of APPS) {
      const { cookie, token } = await tickets(port, { headers: { Origin: origin } });
      assert.equal((await knock(port, { origin, cookie, csrf: token })).status, 101, origin);
      assert.equal((await knock(port, { origin, bearer })).status, 101, origin);
      const { headers } = await preauth(port, { headers: { Origin: origin } });
      assert.equal(headers.get('access-control-allow-origin'), origin);
    }
  });

  it('is refused where its origin is not listed', async () => {
    const { port } = await startPreauth(scope);
    const { cookie, token } = await tickets(port);
    for (const origin of APPS) {
      assert.equal(refused(await preauth(port, { headers: { Origin: origin } })), DENIED, origin);
      const answer = await knock(port, { origin, cookie, csrf: token });
      assert.equal(told(answer), '403 Origin not allowed', origin);
    }
  });

  it('is refused by any other spelling, and nobody else comes in by its tickets', async () => {
    const { port } = await startPreauth(scope, { POSTERN_ALLOWED_ORIGINS: [APP, ...APPS].join() });
    const { cookie, token } = await tickets(port, { headers: { Origin: 'app://postern' } });
    for (const origin of VARIANTS) {
      assert.equal(refused(await preauth(port, { headers: { Origin: origin } })), DENIED, origin);
      const answer = await knock(port, { origin, cookie, csrf: token });
      assert.equal(told(answer), '403 Origin not allowed', origin);
    }
    for (const origin of [APP, 'capacitor://localhost']) {
      const answer = await knock(port, { origin, cookie, csrf: token });
      assert.equal(told(answer), '403 Forbidden: origin_mismatch', origin);
    }
  });

  it('gets an embed token where its browser takes the gateway for another site, and no cookie', async () => {
    const { port } = await startPreauth(scope, {
      POSTERN_ALLOWED_ORIGINS: APPS.join(),
      POSTERN_EMBED_ORIGINS: APPS.join(),
    });
    for (const Origin of APPS) {
      const headers = { Origin, 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Site': 'cross-site' };
      assert.equal(refused(await preauth(port, { headers })), '403 fetch_denied', Origin);
      const { cookie, token } = await embedTickets(port, { headers });
      assert.equal(cookie, '');
      assert.equal((await knock(port, { origin: Origin, embed: token })).status, 101, Origin);
    }
  });
});

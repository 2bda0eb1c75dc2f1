import assert from 'node:assert/strict';
import { it } from 'node:test';

import { failOnLeaks } from '../../support/leaks.ts';
import { describeOn } from '../suites.ts';
import { pathOf, startTargets } from '../targets.ts';

const LISTED = ['https://app.test', 'http://localhost:8080', 'capacitor://localhost'] as const;

/** Origins that look like one of the list. */
const LOOK_ALIKES = [
  'https://app.test.evil.test',
  'https://evil-app.test',
  'https://sub.app.test',
  'http://app.test',
  'https://app.test:8443',
  'https://app.test:443',
  'https://App.test',
  'HTTPS://app.test',
  'https://app.test.',
  'https://app.test/',
  'https://app.test/path',
  'https://app.test https://evil.test',
  'https://app.test,https://evil.test',
  'https://user@app.test',
  'http://localhost',
  'capacitor://localhost:8080',
  'null',
  'file://',
  '*',
  '',
];

failOnLeaks();

const environment = { POSTERN_ALLOWED_ORIGINS: LISTED.join(', ') };
const [strict, open] = await Promise.all([startTargets({ environment }), startTargets()]);
const path = await pathOf({ mode: 'rw', channel: 'chat' });

for (const target of strict) {
  const knock = (...lines: readonly string[]) => target.handshake({ target: path, lines });

  describeOn(target, 'with a list of origins', () => {
    for (const origin of LISTED) {
      it(`lets in ${origin}`, async () => {
        assert.equal((await knock(`Origin: ${origin}`)).status, 101);
      });
    }

    for (const origin of LOOK_ALIKES) {
      it(`refuses '${origin}'`, async () => {
        const { status, body } = await knock(`Origin: ${origin}`);
        assert.deepEqual([status, body], [403, 'Origin not allowed']);
        await target.logged({ event: 'handshake_refused', code: 'origin_denied' });
      });
    }

    it('lets in who sends none: no page can do that', async () => {
      assert.equal((await knock()).status, 101);
    });

    it('refuses two of them, in either order', async () => {
      const [one, other] = [`Origin: ${LISTED[0]}`, 'origin: https://evil.test'];
      for (const lines of [
        [one, other],
        [other, one],
        [one, one],
      ])
        assert.equal((await knock(...lines)).status, 400);
    });

    it('refuses a foreign one before it looks at the token', async () => {
      const request = { target: '/chat/token', lines: ['Origin: https://evil.test'] };
      assert.equal((await target.handshake(request)).status, 403);
    });
  });
}

for (const target of open) {
  describeOn(target, 'without a list of origins', () => {
    it('lets in every one', async () => {
      for (const origin of ['https://evil.test', 'null', '']) {
        const request = { target: path, headers: { Origin: origin } };
        assert.equal((await target.handshake(request)).status, 101);
      }
    });
  });
}

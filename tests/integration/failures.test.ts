import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failures } from '#client/protocol.js';
import type { Failure } from '#client/protocol.js';

import { endingsOn } from '../support/failure-endings.ts';
import { refusalsOn } from '../support/failure-refusals.ts';
import type { Refused } from '../support/failure-refusals.ts';
import { failOnLeaks } from '../support/leaks.ts';
import type { Closing } from '../support/ws-client.ts';

const scope = failOnLeaks();

/** The raw protocol has its own answers for what is wrong with a token: 400, and these texts. */
const rawTexts: Readonly<Record<string, string>> = {
  tokenExpired: 'Token expired',
  forbidden: 'No allowed channels',
  notYetValid: 'Error: JWTNotYetValid',
  tokenInvalid: 'Missing mode',
};

const endingCauses: Readonly<Record<string, () => Promise<Closing>>> = endingsOn(scope);
const refusalCauses: Readonly<Record<string, () => Promise<Refused>>> = refusalsOn(scope);

describe('Every row of the failure table', () => {
  it('ends a connection or refuses a handshake', () => {
    for (const [name, { close, http }] of Object.entries<Failure>(failures))
      assert.ok(close !== undefined || http !== undefined, name);
  });

  for (const [name, { close, http, reason, code }] of Object.entries<Failure>(failures)) {
    if (close !== undefined) {
      it(`${name} ends a connection with ${close}`, async () => {
        assert.deepEqual(await endingCauses[name]?.(), { code: close, reason });
      });
    }

    if (http !== undefined) {
      const raw = rawTexts[name];
      const status = raw === undefined ? http : 400;
      it(`${name} refuses a handshake with ${status}`, async () => {
        const refused = await refusalCauses[name]?.();
        assert.equal(refused?.answer.status, status);
        assert.equal(refused.answer.body.split(': ')[0], (raw ?? reason).split(': ')[0]);
        assert.equal(refused.code, code);
      });
    }
  }
});

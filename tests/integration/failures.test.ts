import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failures } from '#client/protocol.js';
import type { Failure } from '#client/protocol.js';

import { endingsOn } from '../support/failure-endings.ts';
import { refusalsOn } from '../support/failure-refusals.ts';
import type { Refused } from '../support/failure-refusals.ts';
import { failOnLeaksTogether, ownScope } from '../support/leaks.ts';
import type { Scope } from '../support/postgres.ts';
import type { Closing } from '../support/ws-client.ts';

failOnLeaksTogether();

/** Each has a gateway of its own, and some wait for seconds. */
const AT_A_TIME = 4;

/** The raw protocol has its own answers for what is wrong with a token: 400, and these texts. */
const rawTexts: Readonly<Record<string, string>> = {
  tokenExpired: 'Token expired',
  forbidden: 'No allowed channels',
  notYetValid: 'Error: JWTNotYetValid',
  tokenInvalid: 'Missing mode',
};

type Causes<T> = (scope: Scope) => Readonly<Record<string, () => Promise<T>>>;
const endingCauses: Causes<Closing> = endingsOn;
const refusalCauses: Causes<Refused> = refusalsOn;

describe('Every row of the failure table', { concurrency: AT_A_TIME }, () => {
  it('ends a connection or refuses a handshake', () => {
    for (const [name, { close, http }] of Object.entries<Failure>(failures))
      assert.ok(close !== undefined || http !== undefined, name);
  });

  for (const [name, { close, http, reason, code }] of Object.entries<Failure>(failures)) {
    if (close !== undefined) {
      it(`${name} ends a connection with ${close}`, async (t) => {
        assert.deepEqual(await endingCauses(ownScope(t))[name]?.(), { code: close, reason });
      });
    }

    if (http !== undefined) {
      const raw = rawTexts[name];
      const status = raw === undefined ? http : 400;
      it(`${name} refuses a handshake with ${status}`, async (t) => {
        const refused = await refusalCauses(ownScope(t))[name]?.();
        assert.equal(refused?.answer.status, status);
        assert.equal(refused.answer.body.split(': ')[0], (raw ?? reason).split(': ')[0]);
        assert.equal(refused.code, code);
      });
    }
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { verdictOn } from '#client/verdict.js';
import type { Past, Verdict } from '#client/verdict.js';

const FIRST = { refusals: 1, canAskWhy: false, hasOther: false };
const SECOND = { ...FIRST, refusals: 2 };

interface Row {
  readonly what: string;
  readonly stage: 'opening' | 'waiting' | 'welcomed';
  readonly code: number;
  readonly reason?: string;
  readonly past: Past;
  readonly next: Verdict['next'];
  readonly error: string;
}

const table: readonly Row[] = [
  // Refused before it opened: a browser does not say why.
  {
    what: 'a bearer is refused',
    stage: 'opening',
    code: 1006,
    past: FIRST,
    next: 'later',
    error: 'unreachable',
  },
  {
    what: 'a bearer is refused again',
    stage: 'opening',
    code: 1006,
    past: SECOND,
    next: 'later',
    error: 'unreachable',
  },
  {
    what: 'a bearer is refused, and there is another socket',
    stage: 'opening',
    code: 1006,
    past: { ...FIRST, hasOther: true },
    next: 'later',
    error: 'unreachable',
  },
  {
    what: 'a bearer is refused again, and there is another socket',
    stage: 'opening',
    code: 1006,
    past: { ...SECOND, hasOther: true },
    next: 'other socket',
    error: 'unreachable',
  },
  {
    what: 'a bearer is refused for the tenth time, and there is another socket',
    stage: 'opening',
    code: 1006,
    past: { ...SECOND, refusals: 10, hasOther: true },
    next: 'other socket',
    error: 'unreachable',
  },
  {
    what: 'a ticket is refused',
    stage: 'opening',
    code: 1006,
    past: { ...FIRST, canAskWhy: true },
    next: 'at once',
    error: 'unreachable',
  },
  {
    what: 'a ticket is refused again',
    stage: 'opening',
    code: 1006,
    past: { ...SECOND, canAskWhy: true },
    next: 'ask why',
    error: 'unreachable',
  },
  {
    what: 'a ticket is refused again, and there is another socket',
    stage: 'opening',
    code: 1006,
    past: { ...SECOND, canAskWhy: true, hasOther: true },
    next: 'ask why',
    error: 'unreachable',
  },
  {
    what: 'whatever code a handshake fails with',
    stage: 'opening',
    code: 4500,
    reason: 'Revoked',
    past: FIRST,
    next: 'later',
    error: 'unreachable',
  },
  // Opened, and turned away before its welcome.
  {
    what: 'it breaks before the welcome',
    stage: 'waiting',
    code: 1006,
    past: FIRST,
    next: 'later',
    error: 'connection_lost',
  },
  {
    what: 'a token has expired',
    stage: 'waiting',
    code: 3001,
    past: FIRST,
    next: 'at once',
    error: 'token_expired',
  },
  {
    what: 'the next token has expired as well',
    stage: 'waiting',
    code: 3001,
    past: SECOND,
    next: 'later',
    error: 'token_expired',
  },
  {
    what: 'a token is not welcome',
    stage: 'waiting',
    code: 3000,
    past: FIRST,
    next: 'at once',
    error: 'unauthorized',
  },
  {
    what: 'the next token is not welcome either',
    stage: 'waiting',
    code: 3000,
    past: SECOND,
    next: 'stop',
    error: 'unauthorized',
  },
  {
    what: 'a ticket was used before',
    stage: 'waiting',
    code: 4010,
    past: FIRST,
    next: 'at once',
    error: 'replayed',
  },
  {
    what: 'a ticket is of another login',
    stage: 'waiting',
    code: 4011,
    past: { ...SECOND, canAskWhy: true, hasOther: true },
    next: 'stop',
    error: 'binding_mismatch',
  },
  {
    what: 'nothing is allowed',
    stage: 'waiting',
    code: 3003,
    past: FIRST,
    next: 'stop',
    error: 'forbidden',
  },
  {
    what: 'the database is away',
    stage: 'waiting',
    code: 4012,
    past: SECOND,
    next: 'later',
    error: 'backend_unavailable',
  },
  // Was open: there are no refusals then.
  {
    what: 'a session breaks',
    stage: 'welcomed',
    code: 1006,
    past: { ...FIRST, refusals: 0 },
    next: 'later',
    error: 'connection_lost',
  },
  {
    what: 'the gateway restarts',
    stage: 'welcomed',
    code: 1012,
    past: { ...FIRST, refusals: 0 },
    next: 'later',
    error: 'restart',
  },
  {
    what: 'a session expires',
    stage: 'welcomed',
    code: 3001,
    past: { ...FIRST, refusals: 0 },
    next: 'at once',
    error: 'token_expired',
  },
  {
    what: 'a session expires by a code of the deployment’s',
    stage: 'welcomed',
    code: 4777,
    reason: 'JWT expired',
    past: { ...FIRST, refusals: 0 },
    next: 'at once',
    error: 'token_expired',
  },
  {
    what: 'a session is revoked',
    stage: 'welcomed',
    code: 4500,
    past: { ...FIRST, refusals: 0 },
    next: 'stop',
    error: 'revoked',
  },
  {
    what: 'a session is closed in peace',
    stage: 'welcomed',
    code: 1000,
    past: { ...FIRST, refusals: 0 },
    next: 'stop',
    error: 'normal',
  },
  {
    what: 'it ends for what nobody knows, in a range that may come back',
    stage: 'welcomed',
    code: 4444,
    past: { ...FIRST, refusals: 0 },
    next: 'later',
    error: 'closed_4444',
  },
  {
    what: 'it ends for what nobody knows, in a range that must not',
    stage: 'welcomed',
    code: 4944,
    past: { ...FIRST, refusals: 0 },
    next: 'stop',
    error: 'closed_4944',
  },
];

describe('verdictOn', () => {
  for (const { what, stage, code, reason = '', past, next, error } of table)
    it(`says “${next}” when ${what}`, () => {
      const verdict = verdictOn({ stage, code, reason }, past);
      assert.deepEqual([verdict.next, verdict.error.code], [next, error]);
    });
});

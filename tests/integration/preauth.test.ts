import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Answer } from '../support/exchange.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { codeOf, preauth, PREAUTH_ENVIRONMENT } from '../support/preauth.ts';
import type { PreauthRequest } from '../support/preauth.ts';

const scope = failOnLeaks();

/** What goes wrong at a step, and how it is answered. */
interface Step {
  readonly what: string;
  readonly wrong: PreauthRequest;
  readonly status: number;
  readonly code: string;
}

/** An address and a user who have had their one request in a thousand seconds. */
const SPENT_ADDRESS = '192.0.2.1';
const SPENT_USER = 'spent';

const TOO_MANY_CHANNELS = Array.from({ length: 200 }, (_, n) => `a-channel-of-some-length-${n}`);

/** Every step that can fail, in its order. */
const steps: readonly Step[] = [
  {
    what: '1: in the clear',
    wrong: { headers: { 'X-Forwarded-Proto': 'http' } },
    status: 421,
    code: 'tls_required',
  },
  {
    what: '2: a foreign Host',
    wrong: { headers: { Host: 'evil.test' } },
    status: 421,
    code: 'host_denied',
  },
  {
    what: '3: a foreign Origin',
    wrong: { headers: { Origin: 'https://evil.test' } },
    status: 403,
    code: 'origin_denied',
  },
  { what: '5: another method', wrong: { method: 'PUT' }, status: 405, code: 'method_not_allowed' },
  {
    what: '6: foreign Fetch Metadata',
    wrong: { headers: { 'Sec-Fetch-Site': 'cross-site' } },
    status: 403,
    code: 'fetch_denied',
  },
  {
    what: '7: another type',
    wrong: { headers: { 'Content-Type': 'text/plain' } },
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    what: '7: without the header of ours',
    wrong: { headers: { 'X-Postern-Preauth': undefined } },
    status: 400,
    code: 'preflight_required',
  },
  {
    what: '8: too often from one address',
    wrong: { headers: { 'X-Forwarded-For': SPENT_ADDRESS } },
    status: 429,
    code: 'rate_limited',
  },
  { what: '9: a malformed body', wrong: { body: '{' }, status: 400, code: 'bad_message' },
  {
    what: '10: a token that does not hold',
    wrong: { headers: { Authorization: 'Bearer x' } },
    status: 401,
    code: 'token_invalid',
  },
  {
    what: '11: too often for one user',
    wrong: { claims: { sub: SPENT_USER } },
    status: 429,
    code: 'rate_limited',
  },
  {
    what: '12: nothing allowed',
    wrong: { claims: { mode: 'x' } },
    status: 403,
    code: 'scope_denied',
  },
  {
    what: '13: more than a cookie holds',
    wrong: { claims: { channels: TOO_MANY_CHANNELS } },
    status: 413,
    code: 'too_big',
  },
];

/** Asks with these changes to a correct request, each time from an address and by a user of its own. */
type Visit = (...changes: readonly PreauthRequest[]) => Promise<Answer>;

/** Starts a gateway of which every address and every user may have one thing in a thousand seconds. */
async function startVisits(): Promise<Visit> {
  const { port } = await startGateway(scope, {
    environment: { ...PREAUTH_ENVIRONMENT, POSTERN_HANDSHAKES_PER_ADDRESS: '0.001' },
  });
  let visitors = 0;
  const visit: Visit = async (...changes) => {
    visitors += 1;
    const first: PreauthRequest = {
      headers: { 'X-Forwarded-For': `10.0.${visitors >> 8}.${visitors & 255}` },
      claims: { sub: `user-${visitors}` },
    };
    return await preauth(port, changes.reduce(merged, first));
  };
  const spending = { headers: { 'X-Forwarded-For': SPENT_ADDRESS }, claims: { sub: SPENT_USER } };
  assert.equal((await visit(spending)).status, 200);
  return visit;
}

function merged(one: PreauthRequest, other: PreauthRequest): PreauthRequest {
  return {
    ...one,
    ...other,
    headers: { ...one.headers, ...other.headers },
    claims: { ...one.claims, ...other.claims },
  };
}

describe('Each step of POST /preauth', () => {
  it('answers with its own code when all before it is right, and sets no cookie', async () => {
    const visit = await startVisits();
    for (const { what, wrong, status, code } of steps) {
      const answer = await visit(wrong);
      assert.equal(answer.status, status, what);
      assert.equal(codeOf(answer), code, what);
      assert.equal(answer.headers.has('set-cookie'), false, what);
      assert.equal(answer.headers.get('content-type'), 'application/problem+json', what);
    }
  });

  it('answers before every later one', async () => {
    const visit = await startVisits();
    for (const [n, first] of steps.entries())
      for (const second of steps.slice(n + 1)) {
        const answer = await visit(second.wrong, first.wrong);
        const pair = `${first.what}, ${second.what}`;
        assert.equal(answer.status, first.status, pair);
        assert.equal(codeOf(answer), first.code, pair);
        assert.equal(answer.headers.has('set-cookie'), false, pair);
      }
  });

  it('lets a browser ask first after the third, before it knows more of the request', async () => {
    const visit = await startVisits();
    const asked = { method: 'OPTIONS', headers: { Authorization: undefined } };
    for (const [n, step] of steps.entries()) {
      const { status } = await visit(step.wrong, asked);
      assert.equal(status, n < 3 ? step.status : 204, step.what);
    }
  });

  it('says on every answer that nobody keeps it and what it is', async () => {
    const visit = await startVisits();
    const answers = [await visit(), await visit({ method: 'OPTIONS' })];
    for (const { wrong } of steps) answers.push(await visit(wrong));
    for (const { headers } of answers) {
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('vary'), 'Origin');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
    }
  });
});

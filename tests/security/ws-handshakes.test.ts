import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { knock, told } from '../support/way-in.ts';
import { BEARER, browser, cookieOf, framed, startAttacked } from '../support/ws-attacks.ts';
import { cookies, pairs, slots } from '../support/ws-hostile-credentials.ts';
import { malformed, metadata, origins } from '../support/ws-hostile-requests.ts';

const groups = { malformed, origins, metadata, pairs, cookies, slots };
const target = await startAttacked({ after }, { POSTERN_ALLOWED_HOSTS: '127.0.0.1' });
failOnLeaks();

describe('A hostile handshake', () => {
  it('comes in more than 120 forms, each with an answer of its own', () => {
    assert.ok(Object.values(groups).flat().length > 120);
  });

  for (const [group, cases] of Object.entries(groups)) {
    it(`is never let in: ${group}, ${cases.length}`, async () => {
      for (const [name, handshake, expected] of cases) {
        const answer = await knock(target.port, handshake);
        const short = expected.length === 3 ? String(answer.status) : told(answer);
        assert.equal(short, expected, name);
      }
    });
  }

  it('has left the way open for those who belong', async () => {
    assert.equal((await knock(target.port, browser())).status, 101);
    assert.equal((await knock(target.port, framed())).status, 101);
    assert.equal((await knock(target.port, { bearer: BEARER, origin: undefined })).status, 101);
    assert.equal(
      (await knock(target.port, browser({ headers: { Authorization: 'Basic eDp4' } }))).status,
      101,
    );
    assert.equal((await knock(target.port, { bearer: BEARER, cookie: cookieOf() })).status, 101);
    assert.equal(
      (await knock(target.port, { bearer: BEARER, headers: { 'Sec-Fetch-Site': 'cross-site' } }))
        .status,
      101,
    );
  });
});

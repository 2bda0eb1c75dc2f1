import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { isAuthorized } from '#gateway/http/authorize.js';
import type { Applicant, Authorize } from '#gateway/http/authorize.js';

const applicant: Applicant = {
  request: new IncomingMessage(new Socket()),
  claims: { sub: 'ada', groups: ['one'] },
  channels: ['chat', 'news'],
  readable: ['chat'],
  writable: ['news'],
};

/** What a program in plain JavaScript may answer. */
const answering = (json: string): Authorize => {
  return () => JSON.parse(json);
};

describe('Whether a program authorizes somebody', () => {
  it('is its true, at once or later', async () => {
    assert.equal(await isAuthorized(() => true, applicant), true);
    assert.equal(await isAuthorized(() => Promise.resolve(true), applicant), true);
  });

  for (const json of ['false', '1', '"true"', '{}', '[true]', 'null'])
    it(`is not ${json}`, async () => {
      assert.equal(await isAuthorized(answering(json), applicant), false);
      const later: Authorize = async (asked) => await answering(json)(asked);
      assert.equal(await isAuthorized(later, applicant), false);
    });

  it('is said by what it throws, at once or later', async () => {
    const fault = new Error('a bug');
    const faults: readonly Authorize[] = [
      () => {
        throw fault;
      },
      () => Promise.reject(fault),
    ];
    for (const authorize of faults)
      await assert.rejects(isAuthorized(authorize, applicant), (error) => error === fault);
  });

  it('is not waited for after five seconds', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let outcome = 'none yet';
    const asked = isAuthorized(() => new Promise(() => undefined), applicant).then(
      () => assert.fail('nobody said so'),
      (error: unknown) => (outcome = String(error)),
    );
    t.mock.timers.tick(4_999);
    await new Promise(setImmediate);
    assert.equal(outcome, 'none yet');
    t.mock.timers.tick(1);
    await asked;
    assert.equal(outcome, 'Error: no answer within 5 s');
  });
});

describe('What a program is asked about', () => {
  it('is the handshake itself, and copies of all else', async () => {
    let seen: Applicant | undefined;
    await isAuthorized((asked) => {
      seen = asked;
      Object.assign(asked.claims, { sub: 'root' });
      for (const list of [asked.claims['groups'], asked.channels, asked.readable, asked.writable])
        Object.assign(list ?? assert.fail(), ['secrets']);
      return true;
    }, applicant);
    assert.equal(seen?.request, applicant.request);
    const { request: _, ...rest } = applicant;
    assert.deepEqual(rest, {
      claims: { sub: 'ada', groups: ['one'] },
      channels: ['chat', 'news'],
      readable: ['chat'],
      writable: ['news'],
    });
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { failures } from '@postern/client/protocol';
import type { Failure } from '@postern/client/protocol';
import { readCloseCodes } from '#gateway/config/close-codes.js';
import { printConfig } from '#gateway/config/describe.js';
import { parseGiven } from '#gateway/config/given.js';
import { loadConfig } from '#gateway/config/load.js';
import { GatewayError } from '#gateway/errors.js';

const rows = Object.entries<Failure>(failures);
const changeable = rows.flatMap(([name, { close }]) =>
  close !== undefined && close >= 3000 ? [name] : [],
);

/** The problems of a text that has some. */
function problemsOf(given: string | Record<string, unknown>): readonly string[] {
  const { problems } = readCloseCodes(given);
  assert.notEqual(problems.length, 0, JSON.stringify(given));
  return problems;
}

const load = (text: string) => loadConfig({ environment: { POSTERN_CLOSE_CODES: text } }).options;

describe('Close codes', () => {
  it('are read by name, with spaces around', () => {
    const { codes, problems } = readCloseCodes(' tokenExpired = 1008 ,revoked=4600');
    assert.deepEqual([codes, problems], [{ tokenExpired: 1008, revoked: 4600 }, []]);
  });

  it('are read from an object as well, and are what they were when they are read again', () => {
    const { closeCodes } = parseGiven({ closeCodes: { tokenExpired: 4401 } });
    assert.deepEqual(closeCodes, { tokenExpired: 4401 });
    assert.deepEqual(parseGiven({ closeCodes }).closeCodes, closeCodes);
  });

  it('take the short name for the end of a token', () => {
    assert.deepEqual(readCloseCodes('expired=1008').codes, { tokenExpired: 1008 });
  });

  it('are none when nothing is said', () => {
    assert.equal(loadConfig({}).options.closeCodes, undefined);
  });

  it('can be changed for every failure whose own code is free of RFC 6455', () => {
    assert.ok(changeable.length >= 15);
    for (const name of changeable)
      assert.deepEqual(readCloseCodes(`${name}=4900`), { codes: { [name]: 4900 }, problems: [] });
  });

  it('stay as they are where RFC 6455 says what they mean', () => {
    for (const [name, { close }] of rows)
      if (close !== undefined && close < 3000)
        assert.deepEqual(problemsOf(`${name}=4900`), [
          `${name}: has its close code of RFC 6455, which stays`,
        ]);
  });

  it('are not there for what is refused by HTTP alone', () => {
    for (const [name, { close }] of rows)
      if (close === undefined)
        assert.deepEqual(problemsOf({ [name]: 4900 }), [
          `${name}: has no close code, it is told by HTTP alone`,
        ]);
  });

  it('may be shared by two failures', () => {
    const { codes } = readCloseCodes('tokenExpired=4401,unauthorized=4401');
    assert.deepEqual(codes, { tokenExpired: 4401, unauthorized: 4401 });
  });

  it('are 3000 to 4999, or one of five of RFC 6455 and its registry', () => {
    const allowed = (code: number): boolean =>
      [1001, 1008, 1012, 1013, 1014].includes(code) || (code >= 3000 && code <= 4999);
    for (let code = 0; code <= 5_100; code += 1)
      assert.equal(
        readCloseCodes(`revoked=${code}`).problems.length === 0,
        allowed(code),
        `${code}`,
      );
    for (const code of [-1, 4000.5, NaN, Infinity, '4000', null, {}, [4000], true])
      assert.match(
        problemsOf({ revoked: code })[0] ?? '',
        /^revoked: expected 3000 to 4999, or 1001/,
      );
  });

  it('say why a code cannot be had', () => {
    assert.match(problemsOf('expired=1000')[0] ?? '', /clients do not come back after it$/);
    for (const code of [1004, 1005, 1006, 1015])
      assert.match(problemsOf(`expired=${code}`)[0] ?? '', /may not be sent$/);
    for (const code of [1002, 1003, 1007, 1009, 1010, 1011])
      assert.match(problemsOf(`expired=${code}`)[0] ?? '', /a message or a program is faulty$/);
  });

  it('say which names there are, for one that is none', () => {
    for (const name of ['TokenExpired', 'token_expired', 'constructor', '__proto__', 'toString']) {
      const [problem = ''] = problemsOf(`revoked=4600,${name}=4000`);
      assert.match(problem, /^entry 2: no such failure; those with a code that can be changed: /);
      for (const known of [...changeable, 'expired']) assert.ok(problem.includes(known), known);
    }
  });

  it('are given once for each failure, by whichever name', () => {
    for (const text of ['revoked=4600,revoked=4600', 'revoked=4600,revoked=4700'])
      assert.deepEqual(problemsOf(text), ['revoked: is there twice']);
    assert.deepEqual(problemsOf('expired=4401,tokenExpired=4401'), [
      'tokenExpired: is there twice',
    ]);
  });

  for (const text of ['revoked', 'revoked=', '=4600', 'revoked=46OO', 'revoked:4600', ',', '4600'])
    it(`are not read from ${text}`, () => {
      assert.match(problemsOf(text)[0] ?? '', /^entry 1: expected name=code/);
    });

  it('are told with all their problems at once, and the option that they are in', () => {
    assert.throws(
      () => load('revoked=1000,forbiden=4403,overload=4013'),
      (error) =>
        error instanceof GatewayError &&
        /POSTERN_CLOSE_CODES: revoked: /.test(error.message) &&
        /POSTERN_CLOSE_CODES: entry 2: /.test(error.message) &&
        /POSTERN_CLOSE_CODES: overload: /.test(error.message),
    );
  });

  it('repeat nothing of what was given by mistake', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z]{12}$/), (secret) => {
        for (const given of [secret, `${secret}=4000`, `revoked=${secret}`, { [secret]: secret }])
          assert.ok(!problemsOf(given).join().includes(secret));
      }),
    );
  });

  it('are printed as they are in force', () => {
    const printed: unknown = JSON.parse(printConfig(load('expired=1008')));
    assert.deepEqual(Object(printed).closeCodes, { tokenExpired: 1008 });
  });
});

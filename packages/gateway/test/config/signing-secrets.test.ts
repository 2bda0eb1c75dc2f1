import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { parseSecrets } from '#gateway/config/signing-secrets.js';

const one = Buffer.alloc(32, 251);
const two = Buffer.alloc(48, 7);
const base64 = one.toString('base64');

describe('Signing secrets', () => {
  it('are read in their order, in either alphabet, with padding or without, with spaces around', () => {
    for (const text of [
      `b:${base64},a:${two.toString('base64')}`,
      ` b:${one.toString('base64url')} , a:${two.toString('base64url')} `,
    ])
      assert.deepEqual(parseSecrets(text)?.reveal(), [
        { kid: 'b', secret: one },
        { kid: 'a', secret: two },
      ]);
  });

  it('have names of 1 to 32 letters, digits, - and _', () => {
    for (const kid of ['a', '2026-11', '_', 'A'.repeat(32), '__proto__'])
      assert.equal(parseSecrets(`${kid}:${base64}`)?.reveal()[0]?.kid, kid);
    for (const kid of ['', ' ', 'ä', 'a b', 'a/b', '../a', 'a.b', 'A'.repeat(33), 'a:b', 'a\n'])
      assert.equal(parseSecrets(`${kid}:${base64}`), undefined, kid);
  });

  it('have 32 bytes or more each', () => {
    const short = Buffer.alloc(31, 1).toString('base64');
    assert.equal(parseSecrets(`a:${short}`), undefined);
    assert.equal(parseSecrets(`a:${base64},b:${short}`), undefined);
  });

  it('have different names', () => {
    assert.equal(parseSecrets(`a:${base64},a:${two.toString('base64')}`), undefined);
    assert.equal(parseSecrets(`a:${base64},b:${base64},a:${base64}`), undefined);
  });

  for (const text of [
    '',
    ',',
    base64,
    `:${base64}`,
    'a:',
    'a',
    `a:${base64},`,
    `a:${base64};b:${base64}`,
    `a:${base64}====`,
    `a:${base64.slice(0, 42)} ${base64.slice(42)}`,
    `a:${base64}!`,
    `a:${'A'.repeat(45)}`,
    `a=${base64}`,
  ])
    it(`are not ${JSON.stringify(text)}`, () => {
      assert.equal(parseSecrets(text), undefined);
    });

  it('are read as they were written', () => {
    const secret = fc.uint8Array({ minLength: 32, maxLength: 80 });
    const alphabet = fc.constantFrom('base64', 'base64url');
    fc.assert(
      fc.property(fc.array(fc.tuple(secret, alphabet), { minLength: 1 }), (list) => {
        const text = list
          .map(([bytes, spelling], index) => `k${index}:${Buffer.from(bytes).toString(spelling)}`)
          .join(',');
        const read = parseSecrets(text)?.reveal() ?? [];
        assert.deepEqual(
          read.map((named) => named.secret.toString('hex')),
          list.map(([bytes]) => Buffer.from(bytes).toString('hex')),
        );
      }),
    );
  });

  it('cannot be printed by accident, in any of the usual ways', () => {
    const bytes = randomBytes(32);
    const secrets = parseSecrets(`named:${bytes.toString('base64')}`);
    const holder = { secrets, list: [secrets] };
    const printed = [
      String(secrets),
      JSON.stringify(holder),
      inspect(holder, { depth: 9, showHidden: true }),
      format('%s %o %j', secrets, secrets, secrets),
      Object.keys(secrets ?? {}).join(),
    ].join('\n');
    assert.doesNotMatch(printed, /named|Buffer/);
    assert.ok(!printed.includes(bytes.toString('base64').slice(0, 8)));
    assert.ok(!printed.includes(bytes.toString('hex').slice(0, 8)));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { format, inspect } from 'node:util';
import { Secret } from '#gateway/config/secret.js';

describe('Secret', () => {
  it('cannot be printed by accident, in any of the usual ways', () => {
    const secret = new Secret('hunter2');
    const holder = { secret, list: [secret] };
    const printed = [
      String(secret),
      JSON.stringify(holder),
      inspect(holder, { depth: 9, showHidden: true }),
      format('%s %o %j', secret, secret, secret),
      Object.keys(secret).join(),
    ];
    for (const text of printed) assert.doesNotMatch(text, /hunter2/);
    assert.equal(secret.reveal(), 'hunter2');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { findAccount } from '#gateway/cli/embedded/account.js';

const passwd = `root:x:0:0:root:/root:/bin/bash
nobodys:x:7:7::/:/bin/sh
nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin
toor:x:0:0::/root:/bin/sh
broken:x:12
signed:x:-2:-2::/:
`;

describe('An account in a passwd file', () => {
  it('is found by its whole name', () => {
    assert.deepEqual(findAccount(passwd, 'nobody'), { uid: 65534, gid: 65533 });
    assert.equal(findAccount(passwd, 'nobod'), undefined);
  });

  it('is never root, by whatever name', () => {
    assert.equal(findAccount(passwd, 'root'), undefined);
    assert.equal(findAccount(passwd, 'toor'), undefined);
  });

  it('is not made of half an entry', () => {
    assert.equal(findAccount(passwd, 'broken'), undefined);
    assert.equal(findAccount(passwd, 'signed'), undefined);
  });

  it('is a number above zero or nothing, whatever the file holds', () => {
    const line = fc.array(fc.oneof(fc.string(), fc.integer().map(String)), { maxLength: 8 });
    const file = fc.array(line.map((fields) => ['nobody', ...fields].join(':')));
    fc.assert(
      fc.property(file, (lines) => {
        const account = findAccount(lines.join('\n'), 'nobody');
        for (const id of [account?.uid ?? 1, account?.gid ?? 1]) assert.ok(id > 0);
      }),
    );
  });
});

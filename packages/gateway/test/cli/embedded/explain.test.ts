import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { explain, isMemoryInUse, isPortTaken } from '#gateway/cli/embedded/explain.js';
import { GatewayError } from '#gateway/errors.js';

/** What PostgreSQL, the loader and Node really say, and a word of the mend. */
const cases: readonly (readonly [said: string, mend: RegExp])[] = [
  ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', /port is taken/],
  ['FATAL:  could not write to file "pg_wal/x": No space left on device', /disk is full/],
  ['ENOSPC: no space left on device, copyfile', /disk is full/],
  ['spawn /x/native/bin/initdb ENOENT', /C library.*Alpine/],
  ['/x/postgres: error while loading shared libraries: libstdc++.so.6: cannot open', /C library/],
  ["/lib/libm.so.6: version `GLIBC_2.27' not found (required by /x/postgres)", /C library/],
  ['spawn /x/native/bin/initdb EACCES', /noexec/],
  ['spawn EINVAL', /does not run as root/],
  ["EPERM: operation not permitted, chown '/x/data'", /does not run as root/],
  ["EACCES: permission denied, mkdir '/x'", /forbids it/],
  ["ENOTEMPTY: directory not empty, rename '/x' -> '/y'", /holds other files/],
  ['FATAL:  database files are incompatible with server', /another version/],
  ['FATAL:  lock file "postmaster.pid" already exists', /Another PostgreSQL/],
];

describe('A start that failed', () => {
  for (const [said, mend] of cases) {
    it(`is explained with its mend: ${said}`, () => {
      const error = explain(new Error(said));
      assert.equal(error.code, 'POSTERN_EMBEDDED_POSTGRES');
      const [title, text] = error.message.split('\n');
      assert.match(String(title), mend);
      assert.equal(text, said);
    });
  }

  it('is told as it was said when no mend is known', () => {
    assert.match(explain(' FATAL:  strange\n').message, /: FATAL: {2}strange$/);
  });

  it('keeps an explanation that there is, and the origin of a new one', () => {
    const known = new GatewayError('POSTERN_EMBEDDED_POSTGRES', { detail: 'x' });
    assert.equal(explain(known), known);
    const origin = new Error('x');
    assert.equal(explain(origin).cause, origin);
  });

  it('is tried again where waiting helps', () => {
    const taken = explain('Address already in use');
    const inUse = explain('FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use');
    assert.deepEqual([isPortTaken(taken), isMemoryInUse(taken)], [true, false]);
    assert.deepEqual([isPortTaken(inUse), isMemoryInUse(inUse)], [false, true]);
    assert.deepEqual([isPortTaken(undefined), isMemoryInUse(undefined)], [false, false]);
  });
});

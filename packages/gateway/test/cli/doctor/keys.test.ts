import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Finding } from '#gateway/cli/doctor/check.js';
import { keyChecks } from '#gateway/cli/doctor/keys.js';
import { p256Pair, publicJwk, publicPem, rsaPair } from '../../auth/signing.ts';
import { configuredBy, isFinding, run } from './grounds.ts';

const random = randomBytes(32).toString('base64url');
const set = (...keys: readonly object[]): string => JSON.stringify({ keys });

const rows: readonly (readonly [string, string, Finding['status'], RegExp, RegExp?])[] = [
  ['random text', random, 'ok', /^secret of 43 bytes$/],
  ['an RSA key', publicPem(rsaPair), 'ok', /^rsa 2048$/],
  ['a named key', set(publicJwk(p256Pair, { kid: 'a' })), 'ok', /^ec .*\(a\)$/],
  ['a short secret', 'short', 'problem', /shorter than 32 bytes/, /longer secret/],
  ['half a PEM', publicPem(rsaPair).slice(0, 99), 'problem', /no PEM key/, /whole public key/],
  [
    'keys without names',
    set(publicJwk(p256Pair), publicJwk(rsaPair, { kid: 'b' })),
    'warning',
    /1 of 2 keys without kid/,
    /give every key of the set a kid/,
  ],
  ['a repeated secret', 'hunter2'.repeat(6), 'problem', /repeats the same 7 bytes/, /openssl/],
  ['words', 'correct horse battery staple and some', 'warning', /made of words/, /openssl/],
];

describe('A check of the keys', () => {
  for (const [what, secret, status, found, mend] of rows)
    it(`takes ${what} to be ${status}`, async () => {
      const ground = configuredBy({ POSTERN_JWT_SECRET: secret });
      isFinding(await run(keyChecks, 'keys', ground), status, found, mend);
    });

  it('says that there is none', async () => {
    isFinding(await run(keyChecks, 'keys', configuredBy({})), 'problem', /neither/, /give one/);
  });

  it('warns of files with secrets that every account can read, whichever way they are named', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-keys-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'secret');
    writeFileSync(path, random);
    for (const environment of [
      { POSTERN_JWT_SECRET: `@${path}` },
      { POSTERN_JWT_SECRET_FILE: path },
      { PGWS_JWT_SECRET: `@${path}` },
      { POSTERN_TLS_KEY: path, POSTERN_TLS_CERTIFICATE: path },
    ]) {
      chmodSync(path, 0o644);
      const option = Object.keys(environment).includes('POSTERN_TLS_KEY') ? 'TLS_KEY' : 'SECRET';
      const open = await run(keyChecks, 'key-files', configuredBy(environment));
      isFinding(open, 'warning', new RegExp(`POSTERN_.*${option}`), /chmod o-r/);
      chmodSync(path, 0o640);
      isFinding(await run(keyChecks, 'key-files', configuredBy(environment)), 'ok', /not every/);
    }
    const none = await run(keyChecks, 'key-files', configuredBy({ POSTERN_JWT_SECRET: random }));
    isFinding(none, 'skipped', /no secret comes from a file/);
  });
});

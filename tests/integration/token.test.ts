import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { startPostern } from '../support/child.ts';
import { startIssuer } from '../support/issuer.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { inSeconds, keyPair, SECRET, signToken } from '../support/tokens.ts';

const scope = failOnLeaks();
const folder = mkdtempSync(join(tmpdir(), 'postern-token-'));
after(() => rmSync(folder, { recursive: true }));

const PATIENCE_MS = 30_000;
const env = { POSTERN_JWT_SECRET: SECRET };

async function call(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = env,
  input?: string,
) {
  const options = { env: environment, ...(input === undefined ? {} : { input }) };
  const child = startPostern(scope, ['token', ...args], { printsCredentials: true, ...options });
  const { code } = await child.exited(PATIENCE_MS);
  return { code, stdout: child.stdout, stderr: child.stderr };
}

describe('postern token', () => {
  it('mints a token that it explains to be let in, and why', async () => {
    const flags = ['--channels', 'chat,news', '--mode', 'rw', '--sub', 'ada'];
    const minted = await call(['mint', ...flags, '--expires', '15m', '--claim', 'level=3']);
    assert.deepEqual([minted.code, minted.stderr], [0, '']);
    assert.match(minted.stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);

    const explained = await call(['explain', '-'], env, minted.stdout);
    assert.equal(explained.code, 0);
    assert.match(explained.stdout, /✓ signature +by HS256/);
    assert.match(explained.stdout, /✓ exp +\d+ \(.*Z\), (?:900|8\d\d) s ahead; leeway 0 s/);
    assert.match(explained.stdout, /Let in: reads chat, news; writes chat, news; until /);
    // Nobody has to see a token again who knows it already, and nobody else should.
    assert.ok(!explained.stdout.includes(minted.stdout.trim()));
  });

  it('signs with a private key, warns of a long life, and says at which step another gate refuses', async () => {
    const pair = keyPair('ES256');
    const path = join(folder, 'private.pem');
    writeFileSync(path, pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const minted = await call(['mint', '--key', path, '--channels', 'chat', '--expires', '7d'], {});
    assert.equal(minted.code, 0);
    assert.match(minted.stderr, /lives for 7 days/);

    const token = minted.stdout.trim();
    const own = await call(['explain', token], { POSTERN_JWT_SECRET: pair.pem });
    assert.equal(own.code, 0);
    const other = await call(['explain', token, '--json']);
    assert.equal(other.code, 1);
    const report: unknown = JSON.parse(other.stdout);
    assert.ok(typeof report === 'object' && report !== null);
    assert.equal(Reflect.get(report, 'letIn'), false);
    assert.match(other.stdout, /"step":"key","outcome":"failed".*no configured key verifies ES256/);
  });

  it('explains a token without keys, and lets nobody take that for a yes', async () => {
    const minted = await call(['mint', '--channels', 'chat']);
    const explained = await call(['explain', '-'], {}, minted.stdout);
    assert.equal(explained.code, 1);
    assert.match(explained.stdout, /! signature +not checked, no keys configured/);
    assert.match(explained.stdout, /Not decided, as there are no keys/);
  });

  it('explains by the keys of an issuer, which it asks once, and says when it cannot be asked', async () => {
    const [one, other] = [keyPair('ES256', 'one'), keyPair('ES256', 'other')];
    const issuer = await startIssuer(scope);
    issuer.publish([one.jwk]);
    const ca = join(folder, 'issuer.pem');
    writeFileSync(ca, issuer.certificate);
    const explain = (kid: string, pair = one) =>
      signToken(
        { mode: 'r', channel: 'chat', exp: inSeconds(900) },
        { alg: 'ES256', key: pair.privateKey, header: { kid } },
      ).then((token) =>
        call(['explain', token], { POSTERN_JWKS: issuer.url, NODE_EXTRA_CA_CERTS: ca }),
      );

    const good = await explain('one');
    assert.deepEqual([good.code, good.stderr, issuer.requests()], [0, '', 1]);
    assert.match(good.stdout, /✓ key +1 of 1 configured keys.*\n✓ signature +by ES256\n/);

    const unknown = await explain('other', other);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stdout, /✗ key .*no key with this kid.*; those there are: one\n/);

    issuer.publish([one.jwk, { kty: 'oct', k: 'c2VjcmV0' }, other.jwk]);
    const partly = await explain('other', other);
    assert.equal(partly.code, 0);
    assert.equal(
      partly.stderr,
      'postern: key 2 of the JWK set cannot be used: a secret that everybody can fetch\n',
    );

    issuer.answer = (_request, response) => void response.writeHead(502).end();
    const away = await explain('one');
    assert.equal(away.code, 1);
    assert.match(away.stderr, /^postern: the JWK set at \S+ cannot be fetched: status 502\n$/);
    assert.match(
      away.stdout,
      /✗ key .*cannot be looked up: there is no key: the set that has them/,
    );
    assert.match(away.stdout, /a handshake is answered 503 Backend unavailable/);
  });

  it('says what it needs to sign', async () => {
    const none = await call(['mint', '--channels', 'chat'], {});
    assert.equal(none.code, 1);
    assert.match(none.stderr, /no key to sign with: set POSTERN_JWT_SECRET/);

    const key = { POSTERN_JWT_SECRET: keyPair('RS256').pem };
    const publicOnly = await call(['mint', '--channels', 'chat'], key);
    assert.equal(publicOnly.code, 1);
    assert.match(publicOnly.stderr, /are public: they verify and cannot sign.*--key/);
    assert.equal(publicOnly.stdout, '');
  });

  it('refuses what it does not understand with 2', async () => {
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /either postern token mint or postern token explain/],
      [['mint'], /--channels/],
      [['mint', '--channels', 'a', '--expires', 'soon'], /--expires/],
      [['explain'], /give one token/],
    ];
    for (const [args, says] of wrong) {
      const { code, stderr, stdout } = await call(args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, says);
    }
  });
});

import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { after, describe, it } from 'node:test';

import { startPostern } from '../support/child.ts';
import { examine, finds } from '../support/doctor.ts';
import { handshake } from '../support/exchange.ts';
import { startIssuer } from '../support/issuer.ts';
import type { Issuer } from '../support/issuer.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { scrape, seriesOf } from '../support/scrape.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { environmentFor, serve } from '../support/served.ts';
import { keyPair, signToken } from '../support/tokens.ts';
import type { KeyPair } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

/** `postern serve` whose only keys are those of an issuer. */
async function serveWith(issuer: Issuer, jwks = issuer.url) {
  const folder = await scratchFolder(scope);
  const ca = `${folder}/ca.pem`;
  await writeFile(ca, issuer.certificate);
  const environment = {
    POSTERN_JWT_SECRET: '',
    POSTERN_JWKS: jwks,
    POSTERN_ADMIN_PORT: '0',
    NODE_EXTRA_CA_CERTS: ca,
  };
  const served = await serve(scope, { ...database, environment });
  await served.ready(15_000);
  const opened = await served.child.line(/"event":"admin_listening"/);
  const adminPort = Number(/"port":(\d+)/.exec(opened)?.[1]);
  return { ...served, fetches: () => fetchesAt(adminPort) };
}

/** How many fetches came to what, without what never happened. */
async function fetchesAt(adminPort: number) {
  const series = [...seriesOf(await scrape(adminPort), 'postern_jwks_fetches_total')];
  return Object.fromEntries(
    series
      .filter(([, count]) => count > 0)
      .map(([name, count]) => [/outcome="(\w+)"/.exec(name)?.[1] ?? name, count]),
  );
}

async function knock(port: number, pair: KeyPair, kid: string) {
  const token = await signToken(
    { mode: 'r', channel: 'chat', exp: Math.floor(Date.now() / 1000) + 60 },
    { alg: 'ES256', key: pair.privateKey, header: { kid } },
  );
  const { status, body } = await handshake(port, { target: `/${token}` });
  return status === 101 ? 'in' : `${status} ${body}`;
}

describe('postern serve with the URL of a JWK set', () => {
  it('lets in whom its keys signed for, and new keys at once', async () => {
    const [one, two] = [keyPair('ES256', 'one'), keyPair('ES256', 'two')];
    const issuer = await startIssuer(scope);
    issuer.publish([one.jwk]);
    const { port, child, fetches } = await serveWith(issuer);
    await child.line(/"keys":1,.*"event":"jwks_loaded"/);
    assert.equal(await knock(port, one, 'one'), 'in');

    issuer.publish([one.jwk, two.jwk]);
    assert.equal(await knock(port, two, 'two'), 'in');
    assert.equal(await knock(port, one, 'one'), 'in');
    assert.equal(await knock(port, two, 'one'), '400 Error: JWSError JWSInvalidSignature');
    assert.equal(issuer.requests(), 2);
    assert.deepEqual(await fetches(), { loaded: 2 });
  });

  it('starts while the issuer is away, answers 503 meanwhile, and finds it when it is back', async () => {
    const one = keyPair('ES256', 'one');
    const issuer = await startIssuer(scope);
    issuer.answer = (_request, response) => void response.writeHead(502).end();
    const { port, child } = await serveWith(issuer);
    await child.line(/"reason":"status 502".*"keys":0,.*"event":"jwks_failed"/);
    assert.match(await knock(port, one, 'one'), /^503 Backend unavailable/);

    issuer.publish([one.jwk]);
    await until('a way in', async () => (await knock(port, one, 'one')) === 'in', 20_000);
  });

  it('does not trust a certificate that does not verify', async () => {
    const [issuer, other] = await Promise.all([startIssuer(scope), startIssuer(scope)]);
    const { child } = await serveWith(issuer, other.url);
    await child.line(/"reason":"[A-Z_]*(CERT|SIGNED)[A-Z_]*".*"event":"jwks_failed"/);
    assert.equal(other.requests(), 0);
  });

  it('takes nothing from who redirects, sends too much, or never ends', async () => {
    const stray = keyPair('ES256', 'stray');
    const elsewhere = await startIssuer(scope);
    elsewhere.publish([stray.jwk]);
    const answers: readonly (readonly [RegExp, RequestListener])[] = [
      [
        /status 302: redirects/,
        (_request, response) => void response.writeHead(302, { Location: elsewhere.url }).end(),
      ],
      [/longer than 524288 bytes/, (_request, response) => void response.end('x'.repeat(600_000))],
      [/not UTF-8/, (_request, response) => void response.end(Buffer.from([0xff]))],
      [/no whole answer in time/, (_request, response) => drip(response)],
      [/no whole answer in time/, () => undefined],
    ];
    await Promise.all(
      answers.map(async ([reason, answer]) => {
        const issuer = await startIssuer(scope);
        issuer.answer = answer;
        const { child, fetches } = await serveWith(issuer);
        assert.match(await child.line(/"event":"jwks_failed"/, 60_000), reason);
        assert.deepEqual(Object.keys(await fetches()), ['unavailable']);
      }),
    );
    assert.equal(elsewhere.requests(), 0);
  });

  it('counts an answer without a usable key apart from none', async () => {
    const issuer = await startIssuer(scope);
    const { child, fetches } = await serveWith(issuer);
    await child.line(/"reason":"no key that can be used".*"event":"jwks_failed"/);
    assert.deepEqual(Object.keys(await fetches()), ['unusable']);
  });

  it('refuses plain http at the start, and names the mend', async () => {
    const environment = { POSTERN_JWKS: 'http://issuer.test/keys' };
    const child = startPostern(scope, ['serve'], {
      env: environmentFor({ ...database, environment }),
    });
    assert.equal((await child.exited()).code, 2);
    assert.match(child.stderr, /POSTERN_JWKS is a URL but not an https one: give https:/);
  });
});

/** One byte in a while: each is in time, all of them are not. */
function drip(response: Parameters<RequestListener>[1]): void {
  const timer = setInterval(() => response.write(' '), 200);
  response.once('close', () => clearInterval(timer));
}

describe('postern doctor with the URL of a JWK set', () => {
  it('fetches it, and says what is in it or why it cannot be had', async () => {
    const issuer = await startIssuer(scope);
    const ca = `${await scratchFolder(scope)}/ca.pem`;
    await writeFile(ca, issuer.certificate);
    const { POSTERN_JWT_SECRET: _, ...usual } = environmentFor(database);
    const env = { ...usual, POSTERN_JWKS: issuer.url, NODE_EXTRA_CA_CERTS: ca };

    issuer.publish([keyPair('ES256', 'one').jwk]);
    finds(await examine(scope, env), 'jwks', { status: 'ok', found: /^fetched: ec \S+ \(one\)$/ });

    issuer.answer = (_request, response) => void response.writeHead(502).end();
    const examination = await examine(scope, env);
    assert.equal(examination.code, 1);
    finds(examination, 'jwks', { status: 'problem', found: /status 502/, mend: /the issuer/ });
  });
});

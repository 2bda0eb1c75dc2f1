import assert from 'node:assert/strict';
import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { after, describe, it } from 'node:test';

import { selfSignedCertificate } from '../support/certificate.ts';
import { startIssuer } from '../support/issuer.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { fileWith, replaceFile, serveReady, statusOf, tokenBy } from '../support/rotation.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { inSeconds, keyPair, SECRET } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const OTHER_SECRET = 'another one of at least thirty-two bytes';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

const serveWith = (environment: Readonly<Record<string, string>>, args?: readonly string[]) =>
  serveReady(scope, { ...database, environment, args });

describe('A file of the configuration', () => {
  it('counts from when it was changed, without any signal', async () => {
    const path = await fileWith(scope, SECRET);
    const { port, child } = await serveWith({
      POSTERN_JWT_SECRET: '',
      POSTERN_JWT_SECRET_FILE: path,
    });
    await replaceFile(path, OTHER_SECRET);
    await child.line(/"replaced":\["keys"\],.*"event":"reloaded"/);
    assert.equal(await statusOf(port, await tokenBy({ key: OTHER_SECRET })), 101);
    assert.equal(await statusOf(port, await tokenBy({})), 400);
  });

  it('may be a link, and count when it leads elsewhere, as Kubernetes mounts secrets', async () => {
    const folder = await scratchFolder(scope);
    await writeFile(`${folder}/old`, SECRET);
    await writeFile(`${folder}/new`, OTHER_SECRET);
    await symlink('old', `${folder}/link`);
    const { port, child } = await serveWith({ POSTERN_JWT_SECRET: `@${folder}/link` });
    await symlink('new', `${folder}/next`);
    await rename(`${folder}/next`, `${folder}/link`);
    await child.line(/"event":"reloaded"/);
    assert.equal(await statusOf(port, await tokenBy({ key: OTHER_SECRET })), 101);
  });

  it('that is broken or gone leaves in force what was, says so, and is read when it is mended', async () => {
    const path = await fileWith(scope, SECRET);
    const { port, child, count } = await serveWith({ POSTERN_JWT_SECRET: `@${path}` });
    await replaceFile(path, 'too short');
    await child.line(/"what":"keys".*POSTERN_JWT_SECRET.*"event":"reload_failed"/);
    assert.equal(await statusOf(port, await tokenBy({})), 101);

    await rm(path);
    await child.line(/"what":"configuration".*"event":"reload_failed"/);
    assert.equal(await statusOf(port, await tokenBy({})), 101);

    await replaceFile(path, OTHER_SECRET);
    await child.line(/"replaced":\["keys"\],.*"event":"reloaded"/);
    assert.equal(await statusOf(port, await tokenBy({ key: OTHER_SECRET })), 101);
    assert.equal(await statusOf(port, await tokenBy({})), 400);
    assert.equal(count(/too short|another one/), 0);
  });

  it('may name other files, which count from then on', async () => {
    const [secret, config] = [await fileWith(scope, OTHER_SECRET), await fileWith(scope, '{}')];
    const third = 'a third one, of thirty-two bytes at least';
    await replaceFile(config, JSON.stringify({ jwtSecret: SECRET, drainSeconds: 0 }));
    const unset = { POSTERN_JWT_SECRET: '', POSTERN_DRAIN_SECONDS: '' };
    const { child, port } = await serveWith(unset, ['--config', config]);
    await replaceFile(config, JSON.stringify({ jwtSecret: `@${secret}`, drainSeconds: 3 }));
    await child.line(/"names":\["drainSeconds"\],.*"event":"restart_needed"/);
    assert.equal(await statusOf(port, await tokenBy({ key: OTHER_SECRET })), 101);

    await replaceFile(secret, third);
    await until(
      'the third secret',
      async () => (await statusOf(port, await tokenBy({ key: third }))) === 101,
    );
  });
});

describe('TLS', () => {
  it('is begun by a restart only, and the log says so when a file asks for it', async () => {
    const { certificate, key } = selfSignedCertificate();
    const files = {
      tlsCertificate: await fileWith(scope, certificate),
      tlsKey: await fileWith(scope, key),
    };
    const config = await fileWith(scope, '{}');
    const { child, port } = await serveWith({}, ['--config', config]);
    await replaceFile(config, JSON.stringify(files));
    child.signal('SIGHUP');
    await child.line(/"names":\["tlsCertificate","tlsKey"\],.*"event":"restart_needed"/);
    assert.equal(await statusOf(port, await tokenBy({})), 101);
  });
});

describe('SIGHUP', () => {
  it('reads anew at once, and says so when nothing has changed', async () => {
    const { child, port } = await serveWith({});
    child.signal('SIGHUP');
    await child.line(/"replaced":\[\],.*"event":"reloaded"/);
    assert.equal(await statusOf(port, await tokenBy({})), 101);
  });

  it('does not disturb a stop that is under way', async () => {
    const { child, client } = await serveWith({ POSTERN_DRAIN_SECONDS: '1' });
    const one = await client({ mode: 'r', channel: 'chat', exp: inSeconds(60) });
    child.signal('SIGTERM');
    await child.line(/"event":"draining"/);
    child.signal('SIGHUP');
    assert.deepEqual(await one.closed(), { code: 1001, reason: 'Going away' });
    assert.deepEqual(await child.exited(), { code: 0, signal: undefined });
  });
});

describe('The admin token', () => {
  it('is another one after the change', async () => {
    const path = await fileWith(scope, 'the-first-admin-token');
    const { child } = await serveWith({
      POSTERN_ADMIN_PORT: '0',
      POSTERN_ADMIN_TOKEN: `@${path}`,
    });
    const port = /"port":(\d+)/.exec(await child.line(/"event":"admin_listening"/))?.[1];
    const ask = async (token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}`, connection: 'close' };
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers });
      await answer.text();
      return answer.status;
    };
    assert.equal(await ask('the-first-admin-token'), 200);
    await replaceFile(path, 'the-second-admin-token');
    child.signal('SIGHUP');
    await child.line(/"replaced":\["admin token"\],.*"event":"reloaded"/);
    assert.deepEqual(
      [await ask('the-first-admin-token'), await ask('the-second-admin-token')],
      [401, 200],
    );
  });
});

describe('The URL of a JWK set', () => {
  it('may be another one, and nobody is refused because that has yet to be fetched', async () => {
    const [one, two] = [keyPair('ES256', 'one'), keyPair('ES256', 'two')];
    const [here, elsewhere] = [await startIssuer(scope), await startIssuer(scope)];
    here.publish([one.jwk]);
    elsewhere.publish([two.jwk]);
    const ca = await fileWith(scope, here.certificate + elsewhere.certificate);
    const jwks = await fileWith(scope, here.url);
    const { port, child } = await serveWith({
      POSTERN_JWT_SECRET: '',
      POSTERN_JWKS: `@${jwks}`,
      NODE_EXTRA_CA_CERTS: ca,
    });
    await child.line(/"event":"jwks_loaded"/);
    const by = (pair: typeof one, kid: string) =>
      tokenBy({ alg: 'ES256', key: pair.privateKey, header: { kid } });
    assert.equal(await statusOf(port, await by(one, 'one')), 101);

    // One who looks for its key while the set is replaced finds it in the new one.
    here.answer = () => {};
    const waiting = statusOf(port, await by(two, 'two'));
    await until('a search', () => here.requests() > 1);
    await replaceFile(jwks, elsewhere.url);
    child.signal('SIGHUP');
    assert.equal(await waiting, 101);
    assert.equal(await statusOf(port, await by(one, 'one')), 400);
  });
});

import assert from 'node:assert/strict';
import { chown, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { selfSignedCertificate } from '../support/certificate.ts';
import { recordFeed } from '../support/feed-parts.ts';
import { ownServer } from '../support/own-server.ts';
import type { Scope } from '../support/postgres.ts';
import { inTime, until } from '../support/wait.ts';

const server = await ownServer({ after });
const { certificate, key } = selfSignedCertificate();
await switchTlsOn();

const folder = mkdtempSync(join(tmpdir(), 'database-tls-'));
after(() => rmSync(folder, { recursive: true }));
const root = join(folder, 'root.pem');
writeFileSync(root, certificate);

async function switchTlsOn(): Promise<void> {
  const [row] = await server.query('SHOW data_directory');
  const dataDir = String(row?.['data_directory']);
  const { uid, gid } = await stat(dataDir);
  for (const [name, text] of Object.entries({ 'server.crt': certificate, 'server.key': key })) {
    const path = join(dataDir, name);
    await writeFile(path, text, { mode: 0o600 });
    await chown(path, uid, gid);
  }
  await server.query('ALTER SYSTEM SET ssl = on');
  await server.query('SELECT pg_reload_conf()');
  await until('TLS on the server', async () => {
    const [setting] = await server.query('SHOW ssl');
    return setting?.['ssl'] === 'on';
  });
}

function feedBy(scope: Scope, host: string, parameters: Readonly<Record<string, string>>) {
  const url = new URL(server.url);
  url.hostname = host;
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return recordFeed(scope, { ...server, url: url.href, retries: 0 }).feed;
}

/** Whether the connections of the gateway, all of them, are encrypted. */
async function encrypted(): Promise<unknown> {
  const [row] = await server.query(
    `SELECT bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
     WHERE application_name = 'postern'`,
  );
  return row?.['ssl'];
}

describe('A connection to a server with TLS', () => {
  const accepted = [
    { mode: 'none', host: '127.0.0.1', parameters: {}, tls: true },
    { mode: 'prefer', host: '127.0.0.1', parameters: { sslmode: 'prefer' }, tls: true },
    { mode: 'require', host: 'localhost', parameters: { sslmode: 'require' }, tls: true },
    { mode: 'disable', host: '127.0.0.1', parameters: { sslmode: 'disable' }, tls: false },
    {
      mode: 'verify-ca and another host',
      host: 'localhost',
      parameters: { sslmode: 'verify-ca', sslrootcert: root },
      tls: true,
    },
    {
      mode: 'verify-full and the host of the certificate',
      host: '127.0.0.1',
      parameters: { sslmode: 'verify-full', sslrootcert: root },
      tls: true,
    },
  ];
  for (const { mode, host, parameters, tls } of accepted) {
    it(`is ${tls ? '' : 'not '}encrypted with sslmode ${mode}`, async (t) => {
      const feed = feedBy(t, host, parameters);
      await inTime('the first LISTEN', feed.start());
      assert.equal(await encrypted(), tls);
      await inTime('the stop', feed.stop());
    });
  }

  const refused = [
    {
      what: 'nobody vouches for the certificate',
      host: '127.0.0.1',
      parameters: { sslmode: 'verify-full' },
      says: /signed its certificate itself.*sslrootcert/,
    },
    {
      what: 'the certificate is for another host',
      host: 'localhost',
      parameters: { sslmode: 'verify-full', sslrootcert: root },
      says: /another host.*sslrootcert/,
    },
  ];
  for (const { what, host, parameters, says } of refused) {
    it(`ends at the start with sslmode verify-full when ${what}`, async (t) => {
      const feed = feedBy(t, host, parameters);
      await assert.rejects(inTime('the end', feed.start()), (error: Error) => {
        assert.match(error.message, says);
        return error.name === 'GatewayError';
      });
    });
  }
});

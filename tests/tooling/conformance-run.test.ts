import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { WebSocketServer } from 'ws';

import { selfSignedCertificate } from '../support/certificate.ts';
import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { codeBlocks, page } from '../support/pages.ts';
import { freshDatabase } from '../support/postgres.ts';
import { serve } from '../support/served.ts';
import { SECRET } from '../support/tokens.ts';
import { scratchFolder } from './scratch.ts';

/** A run may take this long where all cores are busy. */
const PATIENCE_MS = 150_000;

/** Some of each protocol: all of them take a minute. */
const GROUPS = ['sse', 'v1/following', 'raw/messages', 'raw/meta'];

const scope = failOnLeaks();

/** Runs scenarios, with the secret in a file. */
async function conform(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const folder = await scratchFolder(scope, { files: { secret: `${SECRET}\n` }, copies: [] });
  const secret = ['--secret-file', join(folder, 'secret')];
  return startChild(scope, process.execPath, ['build/scripts/conformance.js', ...secret, ...args], {
    env,
  });
}

/** What the page says that the environment must be. */
function pageEnvironment(): Readonly<Record<string, string>> {
  const [, block = ''] = codeBlocks(page('docs/conformance.md').text, 'sh');
  return Object.fromEntries(
    block
      .trim()
      .split('\n')
      .map((line) => line.split('=', 2)),
  );
}

/** A URL as it may stand on a command line. */
function withoutPassword(text: string) {
  const url = new URL(text);
  const password = decodeURIComponent(url.password);
  url.password = '';
  return { href: url.href, password };
}

/** A server that takes everybody in and says what no gateway does. */
async function startWrongServer(): Promise<string> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'postern.v1' });
  sockets.on('connection', (socket) => {
    socket.send('{"type":"welcome","session":7,"serverTime":1795613402,"channels":{}}');
    socket.on('message', () => socket.send('{"type":"pong"}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.after(async () => {
    for (const socket of sockets.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port }: AddressInfo = Object(server.address());
  return `ws://127.0.0.1:${port}`;
}

describe('npm run conformance', () => {
  it('passes against a gateway that is configured as its page says, by TLS and with SQL', async () => {
    const { certificate, key } = selfSignedCertificate();
    const folder = await scratchFolder(scope, {
      files: { 'cert.pem': certificate, 'key.pem': key },
      copies: [],
    });
    const database = await freshDatabase(scope);
    const gateway = await serve(scope, {
      ...database,
      environment: {
        POSTERN_TLS_CERTIFICATE: join(folder, 'cert.pem'),
        POSTERN_TLS_KEY: join(folder, 'key.pem'),
        POSTERN_MESSAGES_PER_SECOND: '50',
        ...pageEnvironment(),
      },
    });
    await gateway.child.line(/"event":"ready"/);
    const { href, password } = withoutPassword(database.url);
    const sql = ['--database', href, '--database-channel', database.channel];
    const run = await conform(['--url', `wss://127.0.0.1:${gateway.port}`, ...sql, ...GROUPS], {
      NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem'),
      PGPASSWORD: password,
    });
    const { code } = await run.exited(PATIENCE_MS);
    assert.equal(code, 0, run.stdout + run.stderr);
    assert.doesNotMatch(run.stdout, /✗/);
    assert.match(run.stdout, /✓ is told, and that messages may be missing/);
    assert.match(
      run.stdout,
      /– is told of each connection, and of its channels\n +a gateway with POSTERN_META_CHANNEL=meta/,
    );
    assert.match(run.stdout, /– of a reader is ignored and counted\n +its log/);
  });

  it('leaves out what needs SQL where there is no database', async () => {
    const { url, channel } = await freshDatabase(scope);
    const gateway = await serve(scope, { url, channel, environment: pageEnvironment() });
    await gateway.ready();
    const run = await conform([
      '--url',
      `ws://127.0.0.1:${gateway.port}/`,
      'raw/from-sql',
      'v1/publishing',
    ]);
    assert.equal((await run.exited(PATIENCE_MS)).code, 0, run.stdout + run.stderr);
    assert.match(
      run.stdout,
      /– is told by its payload, or whole\n +SQL on its database: --database/,
    );
    assert.doesNotMatch(run.stdout, /✗|v1\/commands/);
  });

  it('fails against a server that is wrong, and says what is wrong', async () => {
    const run = await conform(['--url', await startWrongServer(), 'v1/commands']);
    assert.equal((await run.exited(PATIENCE_MS)).code, 1);
    assert.match(
      run.stdout,
      /✗ .*\n +welcome: its member session must be a text that is not empty/,
    );
    assert.match(run.stdout, /\n0 passed, \d+ failed, 0 left out\n$/);
  });

  it('says what it lacks before it begins, and takes no secret on the command line', async () => {
    const nobody = 'ws://127.0.0.1:1';
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['--url', 'https://example.com'], /--url must be a URL of ws/],
      [['--url', nobody, '--secret', 'x'], /Unknown option '--secret'/],
      [['--url', nobody, 'v2'], /There are no scenarios of that name\. There are: raw\/channels, /],
      [
        ['--url', nobody, '--database', 'postgres://u:p@h/d', '--database-channel', 'c'],
        /PGPASSWORD/,
      ],
      [['--url', nobody], /^Cannot reach ws:\/\/127\.0\.0\.1:1: /],
    ];
    for (const [args, expected] of cases) {
      const run = await conform(args);
      assert.equal((await run.exited()).code, 2, args.join(' '));
      assert.match(run.stderr, expected);
      assert.equal(run.stdout, '');
    }
  });
});

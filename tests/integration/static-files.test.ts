import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';

import { exchange, request } from '../support/exchange.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { RawSocket } from '../support/raw-socket.ts';

const INDEX = '<!doctype html><title>postern</title>';
const SECRETS = 'top secret';

/** More bytes than the system's buffers take. */
const LONG = 20_000_000;

const folder = await mkdtemp(join(tmpdir(), 'postern-static-'));
after(() => rm(folder, { recursive: true }));

/** What lies there: the root is `site`, everything else must stay hidden. */
const files = {
  'site/index.html': INDEX,
  'site/app.js': 'export {};',
  'site/digits.txt': '0123456789',
  'site/with space/é.txt': 'reached',
  'site/docs/index.html': 'docs',
  'site/..file': SECRETS,
  'site/.env': SECRETS,
  'site/.git/config': SECRETS,
  'site/docs/.hidden/page.html': SECRETS,
  'secret.txt': SECRETS,
  'site-private/secret.txt': SECRETS,
} as const;
for (const [path, text] of Object.entries(files)) {
  await mkdir(join(folder, dirname(path)), { recursive: true });
  await writeFile(join(folder, path), text);
}
await writeFile(join(folder, 'site', 'long.txt'), 'x'.repeat(LONG));
// Its first page belongs to nobody: to read it fails, after all went well until then.
await symlink('/proc/self/mem', join(folder, 'site', 'broken.txt'));
await symlink(join(folder, 'secret.txt'), join(folder, 'site', 'linked.txt'));

/** Ways out of the root, and to what is hidden in it. None of them is there. */
const NOT_THERE = [
  '/.env',
  '/.git/config',
  '/..file',
  '/%2eenv',
  '/%2E%67it/config',
  '/docs/.hidden/page.html',
  '/docs/../.env',
  '/../secret.txt',
  '/../../../../../../../../etc/passwd',
  '/docs/../../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e%2fsecret.txt',
  '/%252e%252e%252fsecret.txt',
  '/..%5csecret.txt',
  '/..\\secret.txt',
  '/..;/secret.txt',
  '/.../secret.txt',
  '/%c0%ae%c0%ae/secret.txt',
  '/%u002e%u002e/secret.txt',
  '/../site-private/secret.txt',
  '/%2e%2e/site-private/secret.txt',
  '-private/secret.txt',
  `/${folder}/secret.txt`,
  `//${folder}/secret.txt`,
  `/file://${folder}/secret.txt`,
  `http://127.0.0.1/../secret.txt`,
  '/index.html/',
  '/index.html/../../secret.txt',
  '/index.html%00.txt',
  '/%00',
  '/secret.txt%00.html',
  '/%',
  '/%zz',
  '/docs',
  '/with%20space',
  '/with%20space/',
  '/nowhere.html',
] as const;

const scope = failOnLeaks();
const start = () =>
  startGateway(scope, { environment: { POSTERN_STATIC_ROOT: join(folder, 'site') } });

/** Under which this process, and so the gateway in it, has a file open. */
async function descriptorOf(path: string): Promise<number> {
  for (const name of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${name}`).catch(() => 'closed meanwhile');
    if (target === path) return Number(name);
  }
  throw new Error(`Nobody has ${path} open`);
}

describe('The static root', () => {
  it('is served with its type, length and index pages', async () => {
    const { port } = await start();
    const { status, body, headers } = await request(port, { target: '/?query=1' });
    assert.deepEqual([status, body], [200, INDEX]);
    assert.equal(headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal(headers.get('content-length'), String(INDEX.length));
    assert.equal(headers.get('x-content-type-options'), 'nosniff');

    const script = await request(port, { target: '/app.js' });
    assert.match(script.headers.get('content-type') ?? '', /^(text|application)\/javascript/);
    assert.equal((await request(port, { target: '/docs/' })).body, 'docs');
    assert.equal((await request(port, { target: '/with%20space/%C3%A9.txt' })).body, 'reached');
  });

  it('is served to HEAD without a body', async () => {
    const { port } = await start();
    const { status, body, headers } = await request(port, { method: 'HEAD' });
    assert.deepEqual([status, body], [200, '']);
    assert.equal(headers.get('content-length'), String(INDEX.length));
  });

  it('is not sent again to those who have it', async () => {
    const { port } = await start();
    const { headers } = await request(port, {});
    const [tag, date] = [headers.get('etag') ?? '', headers.get('last-modified') ?? ''];
    assert.match(tag, /^(W\/)?"[^"]+"$/);

    const fresh = await request(port, { lines: [`If-None-Match: ${tag}`] });
    assert.deepEqual([fresh.status, fresh.body], [304, '']);
    assert.equal((await request(port, { lines: [`If-Modified-Since: ${date}`] })).status, 304);
    assert.equal((await request(port, { lines: ['If-None-Match: "other"'] })).body, INDEX);
  });

  it('is sent in parts to those who ask for one', async () => {
    const { port } = await start();
    const part = (range: string) =>
      request(port, { target: '/digits.txt', lines: [`Range: bytes=${range}`] });

    const { status, body, headers } = await part('2-4');
    assert.deepEqual([status, body], [206, '234']);
    assert.equal(headers.get('content-range'), 'bytes 2-4/10');
    assert.equal((await part('-3')).body, '789');
    assert.equal((await part('8-')).body, '89');
    assert.equal((await part('10-')).status, 416);
  });

  it('has no way out, and shows nothing that is hidden: all of it is not there, alike', async () => {
    const { port } = await start();
    for (const target of NOT_THERE) {
      const { status, body, headers } = await request(port, { target });
      assert.ok(!body.includes(SECRETS) && !body.includes('root:'), target);
      if (!target.startsWith('/') && status === 400) continue;
      assert.deepEqual([status, body], [404, 'Not found\n'], target);
      assert.equal(headers.get('etag'), undefined, target);
    }
  });

  it('has no way out by a NUL either', async () => {
    const { port } = await start();
    const { status, body } = await exchange(
      port,
      'GET /secret.txt\0.html HTTP/1.1\r\nHost: localhost\r\n\r\n',
    );
    assert.deepEqual([status, body], [400, '']);
  });

  it('tells a fault while a file is opened as a failure that nobody keeps, and logs it', async () => {
    const { port, events } = await start();
    const { status, body, headers } = await request(port, { target: '/broken.txt' });
    assert.deepEqual([status, body], [500, 'Internal error\n']);
    assert.equal(headers.get('cache-control'), 'no-store');
    for (const name of ['etag', 'last-modified', 'accept-ranges', 'content-range'])
      assert.equal(headers.get(name), undefined, name);
    const logged = events.filter(({ event }) => event === 'request_failed');
    assert.match(String(logged[0]?.fields['error']), /EIO/);
    assert.doesNotMatch(String(logged[0]?.fields['error']), /broken/);
  });

  it('cuts an answer off when its file fails midway, and serves on', async () => {
    const { port, logged } = await start();
    const socket = await RawSocket.connect(port);
    scope.after(() => Promise.resolve(socket.destroy()));
    socket.write('GET /long.txt HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.equal((await socket.responseHead()).status, 200);
    socket.pause();
    closeSync(await descriptorOf(join(folder, 'site', 'long.txt')));
    socket.resume();

    await socket.ended();
    await logged('request_failed');
    assert.ok(socket.unread.length < LONG, 'It came whole');
    assert.equal((await request(port, { target: '/app.js' })).status, 200);
  });

  it('follows symbolic links: who can put one there can put the file there', async () => {
    const { port } = await start();
    assert.equal((await request(port, { target: '/linked.txt' })).body, SECRETS);
  });

  it('is not what handshakes are answered from, and does not hide the health', async () => {
    const { port } = await start();
    assert.equal((await request(port, { target: '/healthz' })).body, 'ok\n');
    assert.equal((await request(port, { method: 'POST' })).status, 405);
  });
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import type { Client } from '@postern/client';
import { WebSocket } from 'ws';

import { startGateway } from '../support/gateway.ts';
import { codeBlocks, page } from '../support/pages.ts';
import { startClient } from '../support/postern-client.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = join(root, 'build', 'client-page');

/** What the lines of the page take for granted. */
const PRELUDE = `interface Todo { readonly text: string }
declare const url: string;
declare const issuer: string;
declare const getToken: () => Promise<string>;
declare const siteToken: () => string;
declare const show: (what: unknown) => void;
declare const loadAll: () => Promise<void>;
`;

const CONFIGURATION = {
  extends: '../../tsconfig.base.json',
  compilerOptions: {
    composite: false,
    rootDir: '.',
    outDir: 'out',
    lib: ['es2023', 'dom'],
    types: [],
  },
  include: ['.'],
};

const { text } = page('docs/client.md');
const samples = [...codeBlocks(text, 'ts'), ...codeBlocks(text, 'js')];

const gateway = await startGateway({ after });
const { client: sender } = startClient({ after }, gateway);
const token = await signToken({
  sub: 'ada',
  mode: 'rw',
  channels: ['orders', 'room:*'],
  exp: inSeconds(600),
});
const asked: string[] = [];
const issuer = createServer(({ url = '' }, response) => {
  asked.push(url);
  response.setHeader('Connection', 'close');
  response.end(token);
});
issuer.listen(0, '127.0.0.1');
await once(issuer, 'listening');
after(() => issuer.close());
const address = issuer.address();
const issuerPort = typeof address === 'object' ? address?.port : undefined;

const shown: unknown[] = [];
const kept = new Map<string, string>();
let loads = 0;
Object.assign(globalThis, {
  WebSocket,
  url: gateway.wsUrl,
  issuer: `http://127.0.0.1:${issuerPort}`,
  getToken: () => Promise.resolve(token),
  siteToken: () => token,
  show: (what: unknown) => void shown.push(what),
  loadAll: () => {
    loads += 1;
    return Promise.resolve();
  },
  localStorage: {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
  },
});

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'prelude.d.ts'), PRELUDE);
writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(CONFIGURATION));
samples.forEach((sample, number) =>
  // So that it can be closed.
  writeFileSync(
    join(folder, `${number}.ts`),
    sample.replace('const client', 'export const client'),
  ),
);
await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', folder], {
  cwd: root,
}).catch(({ stdout }: { readonly stdout: string }) => assert.fail(stdout));

/** Runs the sample that has this in it; `meanwhile` happens as it runs. Its client is closed after it. */
async function run(part: string, meanwhile: () => Promise<unknown>): Promise<void> {
  const number = samples.findIndex((sample) => sample.includes(part));
  assert.notEqual(number, -1, part);
  shown.length = 0;
  const module: Promise<{ readonly client: Client }> = import(
    pathToFileURL(join(folder, 'out', `${number}.js`)).href
  );
  await meanwhile();
  (await module).client.close();
}

/** Publishes until it is shown: nobody says when a loop has begun. */
const publishUntilShown = (payload: unknown): Promise<unknown> =>
  until('what was published', async () => {
    await sender.channel('room:1').publish(payload);
    return shown.length > 0;
  });

describe('The lines of the page on the client, compiled and run', () => {
  it('follow a channel, and publish', () =>
    run('todos.subscribe', async () => {
      await until('the to-do', () => shown.length === 1);
      assert.deepEqual(shown, [{ text: 'Write the page' }]);
      assert.ok(loads > 0);
    }));

  it('preauthenticate with headers', () => run('siteToken()', () => Promise.resolve()));

  it('fetch a token', () =>
    run('/token?for=', () => until('the question', () => asked.includes('/token?for=connect'))));

  it('publish with a key', () =>
    run("key: 'order-7'", async () => {
      await until('the answer', () => shown.length === 1);
      assert.deepEqual(shown, [false]);
    }));

  it('iterate, until there is a reason to stop', () =>
    run('for await', async () => {
      await publishUntilShown('hello');
      assert.equal(shown[0], 'hello');
      await sender.channel('room:1').publish('stop');
    }));

  it('keep a cursor', () =>
    run('localStorage.setItem', async () => {
      await publishUntilShown('kept');
      assert.ok(kept.get('cursor'));
    }));

  it('show what the client is doing', () =>
    run("client.on('state'", async () => {
      await until('both', () => shown.length >= 2);
      assert.deepEqual(shown, ['connecting', 'open']);
    }));

  it('are all run', () => assert.equal(samples.length, 7));
});

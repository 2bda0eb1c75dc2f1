import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyRing } from '#gateway/auth/key-ring.js';
import { createVerifier } from '#gateway/auth/verify.js';
import { createDevRoutes } from '#gateway/cli/dev-routes.js';
import { createCloseCodes } from '#gateway/session/close-codes.js';

/** What the routes take for now. */
export const nowSeconds = 1_800_000_000;

const secret = 'a secret of the tests, long enough to sign';
const json = { 'content-type': 'application/json' };

/** The verifier that the routes ask, too. */
export const verify = createVerifier({
  source: new KeyRing({ jwtSecret: secret, jwtSecretBase64: false }, { log: () => undefined }),
  audiences: [],
  issuers: [],
  types: [],
  requireExp: true,
  requireClaims: [],
  expLeewaySeconds: 0,
  clockLeewaySeconds: 5,
});

/** An answer as it came. */
export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** The routes on a port of their own. */
export interface RoutesServer {
  readonly server: Server;
  readonly port: number;
  /** What was reported as a bug. Asking `bug` about a token is one. */
  readonly bugs: unknown[];
  readonly get: (path: string, headers?: OutgoingHttpHeaders) => Promise<Answer>;
  /** Says that it is JSON unless the headers given say otherwise. */
  readonly post: (path: string, body: string, headers?: OutgoingHttpHeaders) => Promise<Answer>;
  readonly options: (path: string) => Promise<Answer>;
  readonly stop: () => Promise<void>;
}

/** Starts the routes; `docs`: the files of the documentation, `undefined`: no such folder. */
export async function startRoutes(
  docs: Readonly<Record<string, string>> | undefined,
): Promise<RoutesServer> {
  const bugs: unknown[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'postern-docs-'));
  for (const [name, text] of Object.entries(docs ?? {})) await writeFile(join(folder, name), text);

  const routes = createDevRoutes({
    secret,
    databaseChannel: 'gate',
    databaseUrl: 'postgres://postgres:pw@127.0.0.1:5432/postgres',
    version: '1.2.3',
    closeCodeOf: createCloseCodes({ revoked: 4600 }, () => undefined),
    docsDir: docs === undefined ? join(folder, 'absent') : folder,
    openChannels: false,
    channelPatterns: true,
    verify: (token, now) =>
      token === 'bug' ? Promise.reject(new Error('a bug')) : verify(token, now),
    onError: (error) => bugs.push(error),
    nowSeconds: () => nowSeconds,
  });
  const server = createServer((request, response) => {
    if (!routes(request, response)) response.writeHead(404).end('not ours');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { port } = address;

  return {
    server,
    port,
    bugs,
    get: (path, headers = {}) => exchange({ port, method: 'GET', path, headers }),
    post: (path, body, headers = json) => exchange({ port, method: 'POST', path, headers, body }),
    options: (path) => exchange({ port, method: 'OPTIONS', path, headers: {} }),
    stop: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
      await rm(folder, { recursive: true });
    },
  };
}

interface Exchange {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string;
}

/** Not `fetch`, which would neither send a foreign Host nor a path with dots as it stands. */
async function exchange({ body, ...options }: Exchange): Promise<Answer> {
  const signal = AbortSignal.timeout(5000);
  const request = httpRequest({ host: '127.0.0.1', agent: false, signal, ...options });
  request.end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, text };
}

/** The JSON object that an answer holds. */
export function parse(answer: Answer): Record<string, unknown> {
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
  const value: unknown = JSON.parse(answer.text);
  assert.ok(typeof value === 'object' && value !== null);
  return { ...value };
}

/** Fails unless it is this refusal, and says something to people. */
export function assertRefused(answer: Answer, status: number, code: string): void {
  const body = parse(answer);
  assert.deepEqual([answer.status, body['code']], [status, code]);
  assert.match(String(body['message']), /^[A-Z].+\.$/, 'an error says in a sentence what to do');
}

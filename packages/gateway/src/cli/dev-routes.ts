import { createHmac } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';

import { failures } from '@postern/client/protocol';
import type { Failure } from '@postern/client/protocol';

import { isLoopbackHost } from '../loopback.ts';
import type { CloseCodeOf } from '../session/close-codes.ts';
import type { Closing } from '../session/session.ts';
import { explainToken } from './explain-token.ts';
import type { Gate } from './explain-token.ts';

/** As much as the whole header block of a handshake may have, its token included. */
const MAX_BODY_BYTES = 16 * 1024;

const JSON_TYPE = /^application\/json\s*(?:;|$)/i;
const DOCUMENT_PATH = /^\/dev\/docs\/([a-z0-9-]+\.md)$/;

/** What `postern dev` tells its page. */
export interface DevRoutesOptions extends Gate {
  /** The HMAC secret that the gateway verifies with, as text: made-up tokens are signed with it. */
  readonly secret: string;
  /** The one PostgreSQL channel that the gateway listens on. */
  readonly databaseChannel: string;
  /** With its password, which every account of this computer may see: never a superuser's. */
  readonly databaseUrl: string;
  readonly version: string;
  readonly closeCodeOf: CloseCodeOf;
  /** Folder of the documentation's Markdown files; one that is absent means that there are none. */
  readonly docsDir: string;
  /** Called with what can only be a bug; the client gets a 500 that says nothing about it. */
  readonly onError: (error: unknown) => void;
  /** UNIX time in seconds. Default: the system's clock. */
  readonly nowSeconds?: () => number;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly answer: (request: IncomingMessage) => Promise<Answer>;
}

const refusals = {
  hostDenied: {
    status: 421,
    code: 'host_denied',
    message: 'Open this page as http://localhost or http://127.0.0.1: no other name is answered.',
  },
  methodNotAllowed: {
    status: 405,
    code: 'method_not_allowed',
    message: 'This address takes another method; the Allow header names it.',
  },
  originDenied: {
    status: 403,
    code: 'origin_denied',
    message: 'Only the page that this server itself serves may ask.',
  },
  notJson: {
    status: 415,
    code: 'unsupported_media_type',
    message: 'Send JSON, with the header Content-Type: application/json.',
  },
  bodyTooLong: {
    status: 413,
    code: 'too_big',
    message: 'The body is longer than the 16 KiB that are read here.',
  },
  malformedClaims: {
    status: 400,
    code: 'malformed',
    message: 'The body must be a JSON object: the claims of the token to make.',
  },
  malformedQuestion: {
    status: 400,
    code: 'malformed',
    message: 'The body must be a JSON object with the text "token" and, if wanted, "channel".',
  },
  noSuchDocument: {
    status: 404,
    code: 'not_found',
    message: 'There is no such page of documentation here.',
  },
  internal: {
    status: 500,
    code: 'internal',
    message: 'A bug in the gateway: its log has the details.',
  },
} as const satisfies Record<string, { status: number; code: string; message: string }>;

/**
 * The HTTP routes that only `postern dev` has: they make tokens and show the database's password,
 * so nothing but a page of this very server, on loopback, is answered. The function returned says
 * whether the request's path was one of its own; if not, it has not touched the request.
 */
export function createDevRoutes(
  options: DevRoutesOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const routes = new Map<string, Route>([
    ['/dev/info', { method: 'GET', answer: () => info(options) }],
    ['/dev/token', { method: 'POST', answer: (request) => token(request, options.secret) }],
    ['/dev/explain', { method: 'POST', answer: (request) => explain(request, options) }],
  ]);

  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const route = routes.get(path) ?? documentRoute(path, options.docsDir);
    if (route === undefined) return false;

    answerWith(route, request).then(
      (answer) => send(response, answer),
      (error: unknown) => {
        // A client that left in the middle of its body is no bug, and cannot be answered either.
        if (response.destroyed) return;
        options.onError(error);
        send(response, refuse('internal'));
      },
    );
    return true;
  };
}

async function answerWith(route: Route, request: IncomingMessage): Promise<Answer> {
  const { host = '', origin, 'content-type': type = '' } = request.headers;

  if (!isLoopbackHost(host)) return refuse('hostDenied');
  if (request.method !== route.method) return refuse('methodNotAllowed', { allow: route.method });
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
    return refuse('originDenied');
  // Not a type that a form can send: a foreign page's script would need a preflight for it.
  if (route.method === 'POST' && !JSON_TYPE.test(type)) return refuse('notJson');

  return route.answer(request);
}

async function info(options: DevRoutesOptions): Promise<Answer> {
  const { version, closeCodeOf, databaseChannel, databaseUrl, docsDir } = options;
  const closings = Object.values<Failure>(failures)
    .filter((failure): failure is Closing => failure.close !== undefined)
    .map((failure) => ({
      code: closeCodeOf(failure),
      reason: failure.reason,
      advice: failure.advice,
    }));

  return ok({ version, databaseChannel, databaseUrl, closings, docs: await documents(docsDir) });
}

async function token(request: IncomingMessage, secret: string): Promise<Answer> {
  const body = await readBody(request);
  if (body === undefined) return refuse('bodyTooLong', { connection: 'close' });

  const claims = parseObject(body);
  if (claims === undefined) return refuse('malformedClaims');
  return ok({ token: sign(claims, secret) });
}

async function explain(request: IncomingMessage, options: DevRoutesOptions): Promise<Answer> {
  const body = await readBody(request);
  if (body === undefined) return refuse('bodyTooLong', { connection: 'close' });

  const { token: text, channel } = parseObject(body) ?? {};
  if (typeof text !== 'string') return refuse('malformedQuestion');
  if (channel !== undefined && typeof channel !== 'string') return refuse('malformedQuestion');

  const nowSeconds = options.nowSeconds?.() ?? Date.now() / 1000;
  return ok(await explainToken(options, { token: text, channel, nowSeconds }));
}

function documentRoute(path: string, docsDir: string): Route | undefined {
  const name = DOCUMENT_PATH.exec(path)?.[1];
  return name === undefined
    ? undefined
    : { method: 'GET', answer: () => readDocument(docsDir, name) };
}

/** Markdown as plain text: browsers would offer `text/markdown` as a download. */
async function readDocument(docsDir: string, name: string): Promise<Answer> {
  if (!(await documents(docsDir)).includes(name)) return refuse('noSuchDocument');
  const body = await readFile(join(docsDir, name), 'utf8');
  return { status: 200, body, headers: { 'content-type': 'text/plain; charset=utf-8' } };
}

async function documents(docsDir: string): Promise<readonly string[]> {
  try {
    return (await readdir(docsDir)).filter((name) => name.endsWith('.md')).toSorted();
  } catch (error) {
    // An installed package comes without the repository's documentation.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Resolves to `undefined` once the body is too long; rejects when the client leaves first. */
function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // Read on, but keep nothing: a reset by unread bytes could overtake the refusal.
      if (bytes > MAX_BODY_BYTES) resolve(undefined);
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString()));
    request.once('error', reject);
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Signs whatever claims it is given: wrong ones are what the page's examples are about. */
function sign(claims: Readonly<Record<string, unknown>>, secret: string): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function refuse(
  name: keyof typeof refusals,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const { status, code, message } = refusals[name];
  return { status, body: { code, message }, headers };
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(text);
}

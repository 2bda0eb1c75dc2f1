import { writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';

import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';

import { selfSignedCertificate } from '../support/certificate.ts';
import type { Certificate } from '../support/certificate.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway, TestGatewayOptions } from '../support/gateway.ts';
import type { Scope } from '../support/postgres.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { until } from '../support/wait.ts';
import { readCookies } from './page-scripts.ts';
import { serve } from './serving.ts';
import { startWiretap } from './wiretap.ts';
import type { Wiretap } from './wiretap.ts';

/** What lets Chromium find every site of the tests on this computer, and trust their certificate. */
export const SITE_FLAGS = [
  '--host-resolver-rules=MAP *.test 127.0.0.1',
  '--ignore-certificate-errors',
] as const;

/** The pages of all hosts, on two ports that tell nothing apart but whether TLS is spoken. */
export interface Pages {
  /** The origin of a host's pages. */
  origin(host: string): string;
  /** The same pages in the clear. */
  clearOrigin(host: string): string;
}

/** Pages of several sites, and a gateway that is a neighbour of one of them. */
export interface Sites extends Pages {
  readonly gateway: TestGateway;
  /** By which all browsers reach the gateway. */
  readonly wiretap: Wiretap;
  /** `https://gw.app.test:<port>`, or the same in the clear. */
  readonly gatewayUrl: string;
}

/** How sites are set up. */
export interface SiteOptions {
  /** Options of the gateway; it lists `app.test`, and `embed.test` for embedding, if they say nothing else. */
  readonly environment?: (pages: Pages) => Readonly<Record<string, string>>;
  /** How the gateway is spoken to; TLS by default. */
  readonly speaks?: 'tls' | 'clear';
  /** What the pages are at some paths. */
  readonly contents?: Contents;
  /** Hooks of the gateway, if it needs some. */
  readonly hooks?: TestGatewayOptions['hooks'];
}

/** Answers at some paths, each asked for each time: the type of what is there, and itself. */
export type Contents = Readonly<
  Record<string, () => readonly [type: string, body: string] | Promise<readonly [string, string]>>
>;

/** Starts the sites, and the gateway behind its wiretap. */
export async function startSites(
  scope: Scope,
  { environment = () => ({}), speaks = 'tls', contents = {}, hooks = {} }: SiteOptions = {},
): Promise<Sites> {
  const folder = await scratchFolder(scope);
  const certificate = selfSignedCertificate();
  const files = { certificate: join(folder, 'crt'), key: join(folder, 'key') };
  await Promise.all([
    writeFile(files.certificate, certificate.certificate),
    writeFile(files.key, certificate.key),
  ]);

  const pages = await startPages(scope, certificate, contents);
  const wiretap = await startWiretap(scope, {
    gatewayPort: () => gateway.port,
    ...(speaks === 'tls' && { certificate }),
  });
  const gatewayUrl = `${speaks === 'tls' ? 'https' : 'http'}://gw.app.test:${wiretap.port}`;
  const gateway = await startGateway(scope, {
    hooks,
    environment: {
      ...(speaks === 'tls' && {
        POSTERN_TLS_CERTIFICATE: files.certificate,
        POSTERN_TLS_KEY: files.key,
      }),
      POSTERN_ALLOWED_HOSTS: 'gw.app.test',
      POSTERN_PUBLIC_URL: gatewayUrl,
      POSTERN_ALLOWED_ORIGINS: pages.origin('app.test'),
      POSTERN_EMBED_ORIGINS: pages.origin('embed.test'),
      ...environment(pages),
    },
  });
  return { ...pages, gateway, wiretap, gatewayUrl };
}

/** A profile of its own, closed at the end of the scope. */
export async function browse(scope: Scope, chromium: Browser): Promise<BrowserContext> {
  const context = await chromium.newContext({ ignoreHTTPSErrors: true });
  scope.after(() => context.close());
  return context;
}

/** Opens a page of an origin. */
export async function open(context: BrowserContext, origin: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  return page;
}

/** Opens a page that has another in a frame, and returns the frame; `sandbox`: of the same origin, taken from it. */
export async function openFramed(
  context: BrowserContext,
  { origin, framed }: { readonly origin: string; readonly framed: string },
): Promise<Frame> {
  const page = await context.newPage();
  await page.goto(`${origin}/?frame=${encodeURIComponent(framed)}`);
  const [, frame] = page.frames();
  if (frame === undefined) throw new Error('The page has no frame');
  return frame;
}

/**
 * Writes cookies as a script of the page does, and waits until its server is sent what is expected:
 * `document.cookie` returns before the browser has them.
 */
export async function writeCookies(
  page: Page,
  lines: readonly string[],
  isThere: (cookies: string) => boolean,
): Promise<void> {
  await page.evaluate((all) => all.forEach((line) => (document.cookie = line)), lines);
  await until('the cookies at the server', async () => isThere(await page.evaluate(readCookies)));
}

/** Starts the pages of all hosts. */
async function startPages(
  scope: Scope,
  { certificate: cert, key }: Certificate,
  contents: Contents,
): Promise<Pages> {
  const servePage = (request: IncomingMessage, response: ServerResponse): void =>
    void answer(contents, request, response);
  const port = await serve(scope, createServer({ cert, key }, servePage));
  const clearPort = await serve(scope, createHttpServer(servePage));
  return {
    origin: (host) => `https://${host}:${port}`,
    clearOrigin: (host) => `http://${host}:${clearPort}`,
  };
}

/** An empty page, or one with another in a frame; at `/cookies` the Cookie line that came with the request. */
async function answer(
  contents: Contents,
  { url = '/', headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(url, 'https://any.test');
  const content = contents[pathname];
  if (content !== undefined) {
    const [type, body] = await content();
    response.setHeader('Content-Type', type);
    response.end(body);
    return;
  }
  if (pathname === '/cookies') {
    response.setHeader('Content-Type', 'text/plain; charset=latin1');
    response.end(headers.cookie ?? '', 'latin1');
    return;
  }
  const framed = searchParams.get('frame');
  const frame =
    framed === 'sandbox'
      ? '<iframe sandbox="allow-scripts" src="/inner"></iframe>'
      : `<iframe src="${framed}"></iframe>`;
  response.setHeader('Content-Type', 'text/html');
  response.end(`<!doctype html><title>page</title>${framed === null ? '' : frame}`);
}

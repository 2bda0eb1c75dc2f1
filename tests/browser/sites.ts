import { writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';

import type { Browser, BrowserContext, Page } from 'playwright-core';

import { selfSignedCertificate } from '../support/certificate.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { freePort } from '../support/nginx.ts';
import type { Scope } from '../support/postgres.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

/** What lets Chromium find every site of the tests on this computer, and trust their certificate. */
export const SITE_FLAGS = [
  '--host-resolver-rules=MAP *.test 127.0.0.1',
  '--ignore-certificate-errors',
] as const;

/** Pages of two sites, and a gateway that is a neighbour of one of them. */
export interface Sites {
  readonly gateway: TestGateway;
  /** `https://gw.app.test:<port>`. */
  readonly gatewayUrl: string;
  /** Serves the pages of every host; on `gw.app.test` it sees the gateway's cookies, since they know no port. */
  readonly pagePort: number;
  /** The origin of a host's pages. */
  origin(host: string): string;
  /** The same pages in the clear. */
  clearOrigin(host: string): string;
  /** The Cookie headers of handshakes that the page server saw (and refused). */
  readonly cookiesSeen: readonly (string | undefined)[];
  /** A profile of its own, closed at the end of the scope. */
  browse(chromium: Browser): Promise<BrowserContext>;
}

/** Starts the sites; the gateway lists `app.test`, and `embed.test` for embedding. */
export async function startSites(
  scope: Scope,
  environment: Readonly<Record<string, string>> = {},
): Promise<Sites> {
  const folder = await scratchFolder(scope);
  const { certificate: cert, key } = selfSignedCertificate();
  const files = { certificate: join(folder, 'crt'), key: join(folder, 'key') };
  await Promise.all([writeFile(files.certificate, cert), writeFile(files.key, key)]);

  const cookiesSeen: (string | undefined)[] = [];
  const secure = createServer({ cert, key }, servePage);
  secure.on('upgrade', ({ headers }: IncomingMessage, stream) => {
    cookiesSeen.push(headers.cookie);
    stream.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
  });
  const pagePort = await listening(scope, secure);
  const clearPort = await listening(scope, createHttpServer(servePage));
  const port = await freePort();
  const origin = (host: string): string => `https://${host}:${pagePort}`;
  const gatewayUrl = `https://gw.app.test:${port}`;
  const gateway = await startGateway(scope, {
    environment: {
      POSTERN_PORT: String(port),
      POSTERN_TLS_CERTIFICATE: files.certificate,
      POSTERN_TLS_KEY: files.key,
      POSTERN_ALLOWED_HOSTS: 'gw.app.test',
      POSTERN_PUBLIC_URL: gatewayUrl,
      POSTERN_ALLOWED_ORIGINS: origin('app.test'),
      POSTERN_EMBED_ORIGINS: origin('embed.test'),
      ...environment,
    },
  });
  return {
    gateway,
    gatewayUrl,
    pagePort,
    origin,
    clearOrigin: (host) => `http://${host}:${clearPort}`,
    cookiesSeen,
    browse: async (chromium) => {
      const context = await chromium.newContext({ ignoreHTTPSErrors: true });
      scope.after(() => context.close());
      return context;
    },
  };
}

/** Opens a page of an origin. */
export async function open(context: BrowserContext, origin: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  return page;
}

/** An empty page, or one with another in a frame. */
function servePage({ url = '/' }: IncomingMessage, response: ServerResponse): void {
  const framed = new URL(url, 'https://any.test').searchParams.get('frame');
  const frame =
    framed === 'sandbox'
      ? '<iframe sandbox="allow-scripts" src="/inner"></iframe>'
      : `<iframe src="${framed}"></iframe>`;
  response.setHeader('Content-Type', 'text/html');
  response.end(`<!doctype html><title>page</title>${framed === null ? '' : frame}`);
}

async function listening(scope: Scope, server: Server): Promise<number> {
  const port = await freePort();
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  scope.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  return port;
}

import type { IncomingMessage, ServerResponse } from 'node:http';

import { build } from 'esbuild';
import { createGateway } from 'postern';

import { heard } from '../support/evidence.ts';
import { root } from '../support/pages.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Query, Scope } from '../support/postgres.ts';
import { listeningServer } from '../support/program-server.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { SECRET } from '../support/tokens.ts';

/** Which React a page is bundled with: the newest, or the oldest that the client is for. */
const REACTS = {
  'React 19': {},
  'React 18': { react: 'react-18', 'react-dom': 'react-dom-18' },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

/** A site whose server has pages, and a gateway at `/postern` that lets everybody in as Ada. */
export interface ReactSite {
  readonly origin: string;
  /** All that comes to the site goes this way. */
  readonly proxy: TcpProxy;
  readonly query: Query;
  /** Events of the gateway, by their names. */
  readonly events: readonly string[];
  /** What Ada may do; from the next preauthentication on. */
  readonly claims: { channels: readonly string[]; sub: string };
  /** The page at this path has this script from now on. */
  setScript(path: string, script: string): void;
  /** `/todos` answers this from now on. */
  setTodos(todos: readonly unknown[]): void;
  /** Publishes, as a program with the database does. */
  notify(channel: string, payload: unknown): Promise<unknown>;
}

/** Starts the site. */
export async function startReactSite(scope: Scope): Promise<ReactSite> {
  const { url: databaseUrl, channel: databaseChannel, query } = await freshDatabase(scope);
  const scripts = new Map<string, string>();
  const events: string[] = [];
  const claims = { channels: ['room:*', 'todos'], sub: 'ada' };
  let todos: readonly unknown[] = [];

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (gateway.handler(request, response)) return;
    const { pathname } = new URL(request.url ?? '/', origin);
    const script = scripts.get(pathname.replace(/\.js$/, ''));
    if (pathname === '/todos') response.end(JSON.stringify(todos));
    else if (script === undefined) response.writeHead(204).end();
    else if (pathname.endsWith('.js'))
      response.setHeader('Content-Type', 'text/javascript; charset=utf-8').end(script);
    else
      response
        .setHeader('Content-Type', 'text/html; charset=utf-8')
        .end(`<!doctype html><title>page</title><body><script src="${pathname}.js"></script>`);
  };

  const { server, port } = await listeningServer(scope, answer);
  const proxy = await tcpProxy(scope, { port });
  const origin = `http://localhost:${proxy.port}`;
  const gateway = createGateway({
    databaseUrl,
    databaseChannel,
    jwtSecret: SECRET,
    allowedOrigins: [origin],
    development: true,
    drainSeconds: 0,
    authenticate: () => ({ ...claims, mode: 'rw', sid: claims.sub }),
    log: heard((event) => void events.push(event)),
  });
  gateway.attach(server);
  scope.after(() => gateway.stop());
  await gateway.start();

  return {
    origin,
    proxy,
    query,
    events,
    claims,
    setScript: (path, script) => void scripts.set(path, script),
    setTodos: (next) => {
      todos = next;
    },
    notify: (channel, payload) =>
      query('SELECT pg_notify($1, $2)', [databaseChannel, JSON.stringify({ channel, payload })]),
  };
}

/** Bundles a program for a page. */
export async function pageScript(entry: string, react: keyof typeof REACTS): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    jsx: 'automatic',
    logLevel: 'error',
    // Where its warnings are, and where StrictMode does its work.
    define: { 'process.env.NODE_ENV': '"development"' },
    nodePaths: [`${root}/node_modules`],
    alias: REACTS[react],
  });
  return outputFiles[0]?.text ?? '';
}

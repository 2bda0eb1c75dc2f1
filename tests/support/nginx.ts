import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { selfSignedCertificate } from './certificate.ts';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { codeBlocks, page } from './pages.ts';
import type { Scope } from './postgres.ts';
import { findProgram, whyMissing } from './programs.ts';
import { until } from './wait.ts';

/** An nginx that passes everything on to a gateway, as the page on operating says. */
export interface Nginx {
  /** Without TLS. */
  readonly port: number;
  readonly tlsPort: number;
  /** What its TLS is to be trusted by, as PEM. */
  readonly ca: string;
  /** The master process: SIGQUIT ends it in good order, SIGTERM at once. */
  readonly child: Child;
  /** Writes its configuration anew, with these changes to the page's, and waits until they hold. */
  reload(changes?: Changes): Promise<void>;
  /** Everything it has logged: accesses and errors. */
  log(): Promise<string>;
}

/** Texts of the configuration, and what to write in their place. */
export type Changes = Readonly<Record<string, string>>;

/** How often another port is tried: somebody may take the one that was free a moment ago. */
const ATTEMPTS = 5;

/** Starts nginx before the gateway on a port. Throws where there is no nginx. */
export async function startNginx(
  scope: Scope,
  gatewayPort: number,
  changes: Changes = {},
): Promise<Nginx> {
  const program = findProgram('nginx');
  if (program === undefined) throw new Error(`Cannot start nginx: ${whyMissing('nginx')}`);

  const folder = await mkdtemp(join(tmpdir(), 'postern-nginx-'));
  scope.after(() => rm(folder, { recursive: true, force: true }));
  // Its workers are not root, and go through it to their temporary files.
  await chmod(folder, 0o755);
  const { certificate: ca, key } = selfSignedCertificate();
  await writeFile(join(folder, 'cert.pem'), ca);
  await writeFile(join(folder, 'key.pem'), key, { mode: 0o600 });

  const configure = (ports: Ports, more: Changes): Promise<void> =>
    writeFile(join(folder, 'nginx.conf'), configuration({ folder, ...ports, changes: more }));

  for (let attempt = 1; ; attempt++) {
    const ports = { gatewayPort, port: await freePort(), tlsPort: await freePort() };
    await configure(ports, changes);
    const args = ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'];
    // Killed, the master would leave its workers behind.
    const child = startChild(scope, program, args, { cwd: folder, end: 'SIGTERM' });
    const isStarted = await child.line(WORKER_STARTED).then(
      () => true,
      (error: unknown) => {
        if (attempt < ATTEMPTS && child.stderr.includes('Address already in use')) return false;
        throw error;
      },
    );
    if (isStarted) return running({ ...ports, ca, child, folder, configure });
  }
}

const WORKER_STARTED = /start worker process \d+/;

interface Ports {
  readonly gatewayPort: number;
  readonly port: number;
  readonly tlsPort: number;
}

interface Parts extends Ports {
  readonly ca: string;
  readonly child: Child;
  readonly folder: string;
  configure(ports: Ports, changes: Changes): Promise<void>;
}

function running({ ca, child, folder, configure, ...ports }: Parts): Nginx {
  const reloads = (): number => child.stderr.split('gracefully shutting down').length;
  return {
    port: ports.port,
    tlsPort: ports.tlsPort,
    ca,
    child,
    reload: async (changes = {}) => {
      const before = reloads();
      await configure(ports, changes);
      child.signal('SIGHUP');
      // Until then a worker of before may take new connections.
      await until('the leave of the old workers', () => reloads() > before, 15_000);
    },
    log: async () => {
      const files = await Promise.all(
        ['ws.log', 'ws-error.log'].map((name) => readFile(join(folder, name), 'utf8')),
      );
      return files.join('') + child.stderr;
    },
  };
}

/** The page's own block, with nothing changed but places, in a frame that needs no rights. */
function configuration({
  folder,
  gatewayPort,
  port,
  tlsPort,
  changes,
}: Ports & { readonly folder: string; readonly changes: Changes }): string {
  const [block = ''] = codeBlocks(page('docs/operating.md').text, 'nginx');
  const places: Changes = {
    'listen 443 ssl;': `listen 127.0.0.1:${port}; listen 127.0.0.1:${tlsPort} ssl;`,
    'http://127.0.0.1:3000;': `http://127.0.0.1:${gatewayPort};`,
    '/var/log/nginx/ws.log': `${folder}/ws.log`,
    '/var/log/nginx/ws-error.log': `${folder}/ws-error.log`,
    '/etc/ssl/ws.example.com.pem': `${folder}/cert.pem`,
    '/etc/ssl/ws.example.com.key': `${folder}/key.pem`,
  };
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    daemon off;
    pid ${folder}/nginx.pid;
    error_log stderr notice;
    worker_processes 1;
    events {}
    http {
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
      ${Object.entries({ ...places, ...changes }).reduce(replaceOnce, block)}
    }`;
}

function replaceOnce(text: string, [old, now]: readonly [string, string]): string {
  const [before, after, ...more] = text.split(old);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`docs/operating.md has not '${old}' just once in its block for nginx`);
  return before + now + after;
}

/** A port of 127.0.0.1 that nobody listens on: nginx cannot say which one it was given. */
export async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address: AddressInfo | string | null = server.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      server.close(() => resolve(port));
    });
  });
}

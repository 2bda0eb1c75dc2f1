import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { GatewayError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import { Answering, takeOver } from './answering.ts';
import { bindAddress } from './bind.ts';
import { readCertificate } from './certificate.ts';
import type { Certificate, CertificateFiles } from './certificate.ts';
import { isPlain } from './handshake.ts';

/** Where and how the server listens. */
export interface ServerOptions extends CertificateFiles {
  /** As the option `host` has it: `*`, `*4`, `*6`, `!4`, `!6` or an address. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly onRequest: RequestListener;
  readonly onUpgrade: (request: IncomingMessage, stream: Duplex, head: Buffer) => unknown;
  readonly log: Log;
  /** What this port is called: for its event, and for who cannot have it. */
  readonly names: PortNames;
}

interface PortNames {
  readonly event: 'listening' | 'admin_listening';
  readonly host: 'POSTERN_HOST' | 'POSTERN_ADMIN_HOST';
  readonly port: 'POSTERN_PORT' | 'POSTERN_ADMIN_PORT';
}

/** The port for clients. */
export const PUBLIC_PORT: PortNames = {
  event: 'listening',
  host: 'POSTERN_HOST',
  port: 'POSTERN_PORT',
};

/** The port for whoever operates the gateway. */
export const ADMIN_PORT: PortNames = {
  event: 'admin_listening',
  host: 'POSTERN_ADMIN_HOST',
  port: 'POSTERN_ADMIN_PORT',
};

/** A client has this long to send its handshake: slow ones must not hold connections. */
const HANDSHAKE_MS = 10_000;

/** A plain connection on which nothing moves for so long is cut off: its client reads no more. */
const STALLED_MS = 30_000;

/** Closing handshakes have three seconds; whoever is left half a second later is cut off. */
const GRACE_MS = 3_500;

const limits = {
  headersTimeout: HANDSHAKE_MS,
  requestTimeout: HANDSHAKE_MS,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
};

/** A port, over plain HTTP or TLS. */
export class HttpServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #answering = new Answering();
  #certificate: Certificate | undefined;
  /** Settles when the port is open, or cannot be had. */
  #opening: Promise<void> | undefined;

  /** Listens to nothing yet. Throws `POSTERN_CONFIG` when the TLS files cannot be used. */
  constructor(options: ServerOptions) {
    this.#options = options;
    this.#certificate = readCertificate(options);
    this.#server = createServer(this.#certificate);
    // Beyond a number of headers Node drops them in silence, repeated ones too; their size is limited.
    this.#server.maxHeadersCount = 0;
    // Upgraded connections are exempt: Node takes its listener for this off them.
    this.#server.timeout = STALLED_MS;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('request', (request, response) => this.#answer(request, response));
    this.#server.on('upgrade', (request, stream, head) => {
      if (this.#answering.isUnderWay(request.socket)) stream.destroy();
      else if (isPlain(request)) this.#answer(request, takeOver(request, options.log));
      else options.onUpgrade(request, stream, head);
    });
  }

  /** Where it listens; undefined while it does not. */
  get address(): AddressInfo | undefined {
    const address = this.#server.address();
    return typeof address === 'string' || address === null ? undefined : address;
  }

  /** Opens the port. Rejects with `POSTERN_LISTEN_ADDRESS` when it cannot be had. */
  async start(): Promise<void> {
    this.#opening = this.#listen();
    await this.#opening;
    const { address, port } = { ...this.address };
    this.#options.log(this.#options.names.event, { address, port });
  }

  #listen(): Promise<void> {
    const { host, port, names } = this.#options;
    return new Promise<void>((resolve, reject) => {
      const onError = (cause: NodeJS.ErrnoException): void => {
        const detail = `${host} port ${port} (${cause.code ?? 'unknown'}). ${mendFor(cause.code, names)}`;
        reject(new GatewayError('POSTERN_LISTEN_ADDRESS', { cause, detail }));
      };
      this.#server.once('error', onError);
      this.#server.listen({ ...bindAddress(host), port }, () => {
        this.#server.off('error', onError);
        resolve();
      });
    });
  }

  /** Stops listening, and resolves when every connection has ended or was cut off. */
  async stop(): Promise<void> {
    // Until then there is nothing to close; whether it failed is for the starter to know.
    await Promise.allSettled([this.#opening]);
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const late = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, GRACE_MS);
    await closed;
    clearTimeout(late);
  }

  /**
   * Reads the certificate anew, for whoever connects from now on; those who are connected stay. Returns
   * whether it is another one. Throws `POSTERN_CONFIG` when it cannot be used, and the old one stays.
   * Whether there is TLS at all, no reading changes.
   */
  replaceCertificate(files: CertificateFiles): boolean {
    if (!(this.#server instanceof HttpsServer)) return false;
    const certificate = readCertificate(files);
    if (certificate === undefined || isDeepStrictEqual(certificate, this.#certificate))
      return false;
    this.#server.setSecureContext(certificate);
    this.#certificate = certificate;
    return true;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#answering.begin(request, response);
    this.#options.onRequest(request, response);
  }
}

function createServer(certificate: Certificate | undefined): Server {
  if (certificate === undefined) return createHttpServer(limits);
  return createHttpsServer({ ...limits, ...certificate, handshakeTimeout: HANDSHAKE_MS });
}

function mendFor(code: string | undefined, { host, port }: PortNames): string {
  if (code === 'EADDRINUSE') return `Another program has it: stop that one, or set ${port}.`;
  if (code === 'EACCES') return `Ports below 1024 need rights: set ${port} to another.`;
  return `Set ${host} to an address of this machine.`;
}

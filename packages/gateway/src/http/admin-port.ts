import type { AddressInfo } from 'node:net';
import { failures } from '@postern/client/protocol';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import { createAdmin } from './admin.ts';
import { refuse } from './refuse.ts';
import { ADMIN_PORT, HttpServer } from './server.ts';

/** Where the admin port is, and what it tells to whom. */
export interface AdminPortOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly token: string | undefined;
  readonly meters: Meters;
  readonly log: Log;
}

/**
 * The port for whoever operates the gateway: the first to open and the last to close, since what it
 * tells is wanted most while something is wrong.
 */
export class AdminPort {
  readonly #options: AdminPortOptions;
  #token: string | undefined;
  #server: HttpServer | undefined;
  #starting: Promise<void> | undefined;

  constructor(options: AdminPortOptions) {
    this.#options = options;
    this.#token = options.token;
  }

  /** Where it listens; undefined while it does not. */
  get address(): AddressInfo | undefined {
    return this.#server?.address;
  }

  /** Asks for another token from now on. Returns whether it is another one. */
  replaceToken(token: string | undefined): boolean {
    if (token === this.#token) return false;
    this.#token = token;
    return true;
  }

  /** Opens the port. Rejects with `POSTERN_LISTEN_ADDRESS` when it cannot be had. */
  async start(): Promise<void> {
    this.#starting = this.#open();
    await this.#starting;
  }

  async stop(): Promise<void> {
    // Whether it could be opened is for the starter to know.
    await Promise.allSettled([this.#starting]);
    await this.#server?.stop();
  }

  async #open(): Promise<void> {
    const { host, port, meters, log } = this.#options;
    // It takes a while, and gateways without an admin port need none of it.
    const { expose } = await import('../observe/exposition.ts');
    this.#server = new HttpServer({
      host,
      port,
      onRequest: createAdmin({ token: () => this.#token, exposition: expose(meters), log }),
      onUpgrade: (_request, stream) => {
        stream.on('error', (error) => log('socket_error', { error }));
        refuse(stream, { failure: failures.notFound });
      },
      log,
      names: ADMIN_PORT,
    });
    await this.#server.start();
  }
}

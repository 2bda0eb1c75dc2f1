import type { AddressInfo } from 'node:net';
import type { Options } from './config/options.ts';
import { GatewayError } from './errors.ts';
import { createGateway } from './gateway.ts';
import type { GatewayOptions } from './embedding.ts';
import { AdminPort } from './http/admin-port.ts';
import { HttpServer, PUBLIC_PORT } from './http/server.ts';
import type { Log } from './observe/log.ts';
import { countProblems, createLog } from './observe/log.ts';
import type { Meters } from './observe/meters.ts';

/** The options in force, and what a program may add: the base path is `/`. */
export type StandaloneOptions = Options & Omit<GatewayOptions, keyof Options | 'basePath'>;

/** A gateway with a port of its own, as `postern serve` runs it. */
export interface Standalone {
  /**
   * Opens the port at once and resolves when clients are let in. Rejects with a `GatewayError` for
   * what no waiting mends: the port is taken, the password wrong.
   */
  start(): Promise<void>;
  /** Stops the gateway, then the port. Harmless when called again. */
  stop(): Promise<void>;
  /**
   * Takes up what these options say otherwise, as far as no restart is needed for it: keys, the
   * certificate, the admin token. What cannot be used leaves what was there in force, and the log says
   * so. Returns what was replaced.
   */
  reload(options: Options): readonly string[];
  /** Rejects when the listener is lost and `onListenerLoss` is `exit`; otherwise stays pending. */
  readonly lost: Promise<never>;
  /** Where it listens; undefined while the port is not open. */
  readonly address: AddressInfo | undefined;
  /** Where the admin port is; undefined while it is not open, or there is none. */
  readonly adminAddress: AddressInfo | undefined;
}

/** Builds a gateway and its port. Throws `POSTERN_CONFIG`, `_KEYS` or `_DATABASE`. */
export function createStandalone(options: StandaloneOptions): Standalone {
  const { logLevel: level, logFormat: format } = options;
  const given = options.log ?? createLog({ level, format });
  const gateway = createGateway({ ...options, log: given, basePath: '/' });
  const { meters } = gateway;
  const log = countProblems(given, meters);
  const admin = adminPortFor(options, { meters, log });
  const server = new HttpServer({
    ...options,
    onRequest: gateway.handler,
    onUpgrade: gateway.handleUpgrade,
    log,
    names: PUBLIC_PORT,
  });
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    // Until all are told to leave, the port goes on saying that nobody is let in.
    await Promise.all([gateway.stop(), gateway.drained.then(() => server.stop())]);
    await admin?.stop();
  };

  return {
    lost: gateway.lost,
    get address() {
      return server.address;
    },
    get adminAddress() {
      return admin?.address;
    },
    reload: (next) => {
      const parts: readonly Reloadable[] = [
        { what: 'keys', replace: () => gateway.replaceKeys(next) },
        { what: 'certificate', replace: () => server.replaceCertificate(next) },
        { what: 'admin token', replace: () => admin?.replaceToken(next.adminToken?.reveal()) },
      ];
      return parts.filter((part) => isReplaced(part, log)).map(({ what }) => what);
    },
    start: async () => {
      if (stopping !== undefined) throw new GatewayError('POSTERN_STOPPED');
      await admin?.start();
      if (stopping === undefined) await server.start();
      if (stopping === undefined) await gateway.start();
    },
    stop: () => (stopping ??= stop()),
  };
}

/** Something that can be replaced while the gateway runs. */
interface Reloadable {
  readonly what: string;
  /** Returns whether it was another one; throws when that cannot be used, and keeps the old one. */
  readonly replace: () => boolean | undefined;
}

function isReplaced({ what, replace }: Reloadable, log: Log): boolean {
  try {
    return replace() ?? false;
  } catch (error) {
    log('reload_failed', { what, error });
    return false;
  }
}

/** The port for operators, if there is to be one. */
function adminPortFor(
  { adminHost: host, adminPort: port, adminToken }: Options,
  parts: { readonly meters: Meters; readonly log: Log },
): AdminPort | undefined {
  if (port === 'off') return undefined;
  return new AdminPort({ host, port, token: adminToken?.reveal(), ...parts });
}

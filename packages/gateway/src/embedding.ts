import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GivenOptions } from './config/given.ts';
import type { ProgramServer } from './http/attach.ts';
import type { Authenticate } from './http/authenticate.ts';
import type { Authorize } from './http/authorize.ts';
import type { HandleRequest } from './http/routes.ts';
import type { Log } from './observe/log.ts';
import type { Meters } from './observe/meters.ts';
import type { OnSession } from './session/announce.ts';
import type { Clock } from './session/deadline.ts';

/** What a gateway is made of: the options of the option table, by name, and what a program adds. */
export interface GatewayOptions extends GivenOptions {
  /**
   * The path below which all belongs to the gateway, on every server that it shares; whatever lies
   * elsewhere is left alone. Default: `/postern`. `/`: it shares with nobody.
   */
  readonly basePath?: string | undefined;
  /** Where events go; default: lines on standard output, as the options say. */
  readonly log?: Log | undefined;
  /** Routes of the program's own below the base path, asked before the gateway's but `/preauth`. */
  readonly handleRequest?: HandleRequest | undefined;
  /**
   * Says who sends a request for preauthentication, alone: claims, or `undefined` for nobody. Default:
   * `POSTERN_AUTH_URL`, or a token in `Authorization` or the site's cookie. An exception and 5 s without
   * an answer refuse.
   */
  readonly authenticate?: Authenticate | undefined;
  /**
   * Asked about each client whose token holds, before it comes in; default: nobody is. Whatever is not
   * `true` refuses it; so do an exception and 5 s without an answer.
   */
  readonly authorize?: Authorize | undefined;
  /** Told of each session; default: nobody is. */
  readonly onSession?: OnSession | undefined;
  /**
   * Whether the gateway is there to try things out: then plain HTTP from this very computer may
   * preauthenticate, as with `postern dev`. Default: false.
   */
  readonly development?: boolean | undefined;
  /** The clocks that tokens are held against; default: the system's. */
  readonly clock?: Clock | undefined;
}

/** The options that name the keys which verify tokens. */
export type KeyOptions = Pick<GivenOptions, 'jwtSecret' | 'jwtSecretBase64' | 'jwks'>;

/**
 * A gateway between one PostgreSQL database and WebSocket clients. It has no port of its own, and
 * lives on those of the program: the options that say where to listen do not concern it.
 */
export interface Gateway {
  /**
   * Answers a plain request below the base path, and returns whether it was one. Otherwise the
   * request is untouched, and `next` is called, where there is one: it is a middleware of Express.
   */
  readonly handler: (
    request: IncomingMessage,
    response: ServerResponse,
    next?: () => void,
  ) => boolean;
  /** Takes an upgrade request below the base path, and returns whether it was one. */
  readonly handleUpgrade: (request: IncomingMessage, stream: Duplex, head: Buffer) => boolean;
  /**
   * Takes the upgrade requests below the base path from a server, and leaves all others to its other
   * listeners. Returns what undoes that; the stop does, too. The clients that came in stay.
   */
  readonly attach: (server: ProgramServer) => () => void;
  /**
   * Resolves when clients are let in, which is when notifications arrive. Rejects with a
   * `GatewayError` for what no waiting mends, such as a wrong password. A second call waits for
   * the first; after the stop it rejects with `POSTERN_STOPPED`.
   */
  start(): Promise<void>;
  /**
   * Sends clients away, finishes what is under way and lets go of PostgreSQL and of the servers,
   * which run on. Harmless when called again, or before the start.
   */
  stop(): Promise<void>;
  /**
   * Puts other keys in place of all that verify tokens, and returns whether they are others. Sessions
   * stay, whichever key let them in. Throws `POSTERN_CONFIG` or `POSTERN_KEYS`, and all stays as it was.
   */
  replaceKeys(keys: KeyOptions): boolean;
  /** Resolves when the stop has told every client to leave: no more than its last words is to come. */
  readonly drained: Promise<void>;
  /** Rejects when the listener is lost and `onListenerLoss` is `exit`; otherwise stays pending. */
  readonly lost: Promise<never>;
  /** What it counts: `standalone.ts` shows that on the admin port. */
  readonly meters: Meters;
}

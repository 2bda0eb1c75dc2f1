import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Failure } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { pathCredential } from '../auth/credential.ts';
import { grantFrom } from '../auth/grant.ts';
import type { GrantRules } from '../auth/grant.ts';
import { rawStatus } from '../auth/problems.ts';
import { tokenProblems } from '../auth/problems.ts';
import type { TokenProblem } from '../auth/problems.ts';
import type { Claims, Verify } from '../auth/verify.ts';
import { auditMark, userOf } from '../observe/audit.ts';
import { refusalLabel } from '../observe/labels.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import type { Admit, RawVisitor } from '../session/admission.ts';
import type { Closing, Session, Socket } from '../session/session.ts';
import { isAuthorized } from './authorize.ts';
import type { Authorize } from './authorize.ts';
import type { ClientAddress } from './client-ip.ts';
import { malformed } from './handshake.ts';
import type { Health } from './health.ts';
import type { HostCheck } from './host.ts';
import { onceASecond } from './once-a-second.ts';
import type { Refusal } from './refuse.ts';
import { refuse } from './refuse.ts';
import type { Turnstile } from './turnstile.ts';

/** What the handshake asks of the other parts. */
export interface Gate {
  readonly health: () => Health;
  readonly hostAllowed: HostCheck;
  readonly clientAddress: ClientAddress;
  readonly turnstile: Turnstile;
  readonly originAllowed: (origin: string | undefined) => boolean;
  readonly verify: Verify;
  /** The embedding program's word on each visitor; undefined: it has none. */
  readonly authorize: Authorize | undefined;
  /** UNIX seconds. */
  readonly now: () => number;
  readonly admit: Admit;
  readonly log: Log;
  readonly meters: Meters;
  readonly options: GrantRules & {
    /** Whether tokens in the path are accepted: without them there is no raw protocol. */
    readonly urlTokens: boolean;
    /** Longest message a client may send, in bytes; 0: no limit. */
    readonly maxMessageBytes: number;
  };
}

/** What Node hands over for a request that asks for an upgrade. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly stream: Duplex;
  readonly head: Buffer;
  /** Its path, below that of the gateway. */
  readonly path: string;
}

/** Where clients come in. */
export interface Door {
  /** Turns an upgrade request into a session, or away. */
  readonly enter: (upgrade: Upgrade) => void;
  /** Resolves when all connections are closed; those that take too long about it are cut off. */
  readonly emptied: () => Promise<void>;
}

/** Paths of the gateway's own: no channel and no token. */
const FIXED_ROUTES = new Set(['/ws', '/preauth', '/sse', '/healthz', '/readyz']);

/** How long a client may take to answer a close frame before it is cut off. */
const CLOSE_TIMEOUT_MS = 3000;

/** Whoever is left half a second after that is cut off. */
const GRACE_MS = 3500;

/** Builds the door. */
export function createDoor(gate: Gate): Door {
  const settings = {
    noServer: true,
    perMessageDeflate: false,
    closeTimeout: CLOSE_TIMEOUT_MS,
    maxPayload: gate.options.maxMessageBytes,
    maxFragments: 1024,
    maxBufferedChunks: 4096,
    // The raw protocol never names one; `ws` would echo the first on offer, a credential even.
    handleProtocols: () => false as const,
  };
  const server = new WebSocketServer(settings);
  const sayRefused = createRefusalLog(gate);
  const accepted = gate.meters.counter('handshakesAccepted');

  const passed = (visitor: RawVisitor, stream: Duplex): RawVisitor | Refusal =>
    gate.turnstile.pass(visitor.claims, stream) ?? visitor;

  const enter = async ({ request, stream, head, path }: Upgrade): Promise<void> => {
    if (stream.destroyed) return;
    // Asked for while the connection stands: afterwards it has no address.
    const address = gate.clientAddress(request);
    // Who ends its side before the answer has left, and keeps no place while others think about it.
    const leave = (): void => void stream.destroy();
    stream.once('end', leave);
    const visitor = await examine({ request, stream, path, address }, gate);
    stream.off('end', leave);
    if (stream.destroyed) return;
    const outcome = 'failure' in visitor ? visitor : passed(visitor, stream);
    if ('failure' in outcome) {
      sayRefused(outcome, address);
      refuse(stream, outcome);
      return;
    }
    server.handleUpgrade(request, stream, head, (webSocket) => {
      accepted.add();
      try {
        connect(webSocket, gate.admit(socketOf(webSocket, stream), outcome), gate.log);
      } catch (error) {
        // The handshake is answered: from here on a close frame must say it.
        gate.log('handshake_failed', { error });
        webSocket.close(failures.internal.close, failures.internal.reason);
      }
    });
  };

  return {
    enter: (upgrade) => {
      const { stream } = upgrade;
      stream.on('error', (error) => gate.log('socket_error', { error }));
      enter(upgrade).catch((error: unknown) => {
        gate.log('handshake_failed', { error });
        gate.meters.counter('handshakesRefused', { failure: 'internal' }).add();
        refuse(stream, { failure: failures.internal });
      });
    },
    emptied: () => allClosed(server.clients),
  };
}

async function allClosed(clients: ReadonlySet<WebSocket>): Promise<void> {
  const late = setTimeout(() => {
    for (const client of clients) client.terminate();
  }, GRACE_MS);
  await Promise.all([...clients].map((client) => once(client, 'close')));
  clearTimeout(late);
}

/** Somebody at the door. */
interface Knock {
  readonly request: IncomingMessage;
  readonly stream: Duplex;
  readonly path: string;
  readonly address: string;
}

/** Whether an upgrade request may become a session. Cheap checks first, cryptography last. */
async function examine(
  { request, stream, path, address }: Knock,
  gate: Gate,
): Promise<RawVisitor | Refusal> {
  const refusal = malformed(request) ?? shut(gate);
  if (refusal !== undefined) return refusal;
  if (!gate.hostAllowed(request.headers.host)) return { failure: failures.hostDenied };

  if (path === '/ws') return { failure: failures.badHandshake };
  if (FIXED_ROUTES.has(path) || !gate.options.urlTokens) return { failure: failures.notFound };
  if (!gate.originAllowed(request.headers.origin)) return { failure: failures.originDenied };
  const tooMany = gate.turnstile.knock(address, stream);
  if (tooMany !== undefined) return tooMany;

  const credential = pathCredential(path);
  if (credential === undefined)
    return {
      failure: failures.badHandshake,
      text: 'Bad handshake: The path names no channel and token',
    };
  const verification = await gate.verify(credential.token, gate.now());
  if ('problem' in verification) return refusalFor(verification.problem, verification.signed);
  const granted = grantFrom(verification.claims, {
    pathChannel: credential.channel,
    ...gate.options,
  });
  if ('problem' in granted) return refusalFor(granted.problem, verification.claims);

  // The gate may have closed while the signature was verified, or while the program thought. A token
  // that ended meanwhile needs no second look: its session is cut off before the first frame, either way.
  const visitor = { protocol: 'raw', ...verification, ...granted, address } as const;
  return shut(gate) ?? (await turnedDown(visitor, request, gate)) ?? shut(gate) ?? visitor;
}

/** What the embedding program has against a visitor. A fault of its own counts as no. */
async function turnedDown(
  { claims, grant }: RawVisitor,
  request: IncomingMessage,
  { authorize, log }: Gate,
): Promise<Refusal | undefined> {
  if (authorize === undefined) return undefined;
  try {
    if (await isAuthorized(authorize, { request, claims, ...grant })) return undefined;
    return refusalFor(tokenProblems.noChannels, claims);
  } catch (error) {
    log('authorize_failed', { error });
    return { failure: failures.internal, claims };
  }
}

/** Whether nobody may enter just now. */
function shut(gate: Gate): Refusal | undefined {
  const { database, draining } = gate.health();
  if (draining) return { failure: failures.goingAway };
  return database === 'up' ? undefined : { failure: failures.backendUnavailable };
}

/** The raw protocol answers with the original's status and text. */
function refusalFor(problem: TokenProblem, claims: Claims | undefined): Refusal {
  const { failure, raw: text } = problem;
  return { failure: failures[failure], status: rawStatus(problem), text, claims };
}

/** Refused before anything is verified: anybody can have it as often as he likes, at no cost. */
const CHEAP = new Set<Failure>([
  failures.hostDenied,
  failures.rateLimited,
  failures.connectionLimit,
  failures.overload,
]);

/** Builds what counts refusals and writes them down: of the cheap ones one a second for each failure. */
function createRefusalLog({ log, meters }: Gate): (refusal: Refusal, address: string) => void {
  const write = (more: number, refusal: Refusal, address: string): void => {
    const { failure: row, code = row.code, text, claims } = refusal;
    const failure = refusalLabel(row);
    log('handshake_refused', {
      ...auditMark(failure),
      failure,
      code,
      why: text,
      address,
      user: userOf(claims),
      ...(more > 0 ? { more } : {}),
    });
  };
  const writers = new Map([...CHEAP].map((failure) => [failure, onceASecond(write)]));

  return (refusal, address) => {
    meters.counter('handshakesRefused', { failure: refusalLabel(refusal.failure) }).add();
    const writeSome = writers.get(refusal.failure);
    if (writeSome === undefined) write(0, refusal, address);
    else writeSome(refusal, address);
  };
}

function socketOf(webSocket: WebSocket, stream: Duplex): Socket {
  return {
    stream,
    get isOpen() {
      return webSocket.readyState === webSocket.OPEN;
    },
    ping: () => webSocket.ping(),
    close: (code, reason) => webSocket.close(code, reason),
    terminate: () => webSocket.terminate(),
  };
}

/** What `ws` finds wrong in frames, by its own codes; whatever else it finds is `protocolError`. */
const violations = new Map<unknown, Closing>([
  ['WS_ERR_INVALID_UTF8', failures.invalidText],
  ['WS_ERR_TOO_MANY_BUFFERED_PARTS', failures.tooManyFragments],
  ['WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', failures.messageTooBig],
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', failures.messageTooBig],
]);

function connect(webSocket: WebSocket, session: Session, log: Log): void {
  webSocket.on('message', (data: Buffer, isBinary) => {
    try {
      session.receive(data, isBinary ? 'binary' : 'text');
    } catch (error) {
      // A bug, and it must cost nobody else their connection.
      log('message_failed', { session: session.id, error });
      session.end(failures.internal);
    }
  });
  webSocket.on('ping', () => session.pinged());
  webSocket.on('pong', () => session.alive());
  webSocket.on('close', (code) => session.lose(code));
  webSocket.on('error', (error) => {
    log('socket_error', { session: session.id, error });
    // `ws` has sent the close frame, with the same code: here the session learns of it.
    const code = 'code' in error ? error.code : undefined;
    session.end(violations.get(code) ?? failures.protocolError);
  });
}

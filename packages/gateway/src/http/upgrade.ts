import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { failures, SUBPROTOCOL } from '@postern/client/protocol';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import type { Admit } from '../session/admission.ts';
import type { AuthWait, Reception } from '../session/auth-wait.ts';
import type { CloseCodeOf } from '../session/close-codes.ts';
import type { Closing, Recipient, Socket } from '../session/session.ts';
import type { ClientAddress } from './client-ip.ts';
import type { Examine, Guard, Identify, Outcome } from './examine.ts';
import { shut } from './examine.ts';
import { createRefusalLog } from './refusal-log.ts';
import { refuse } from './refuse.ts';
import { Wire } from './wire.ts';

/** What the door asks of the other parts. */
export interface Gate extends Pick<Guard, 'health'> {
  readonly examine: Examine;
  readonly clientAddress: ClientAddress;
  readonly admit: Admit;
  /** Where those wait who have yet to say who they are. */
  readonly authWait: AuthWait;
  readonly closeCodeOf: CloseCodeOf;
  readonly log: Log;
  readonly meters: Meters;
  readonly options: {
    /** Longest message a client may send, in bytes; 0: no limit. */
    readonly maxMessageBytes: number;
    /** How somebody is refused who may be told why: by an HTTP answer, or by a close code. */
    readonly handshakeErrors: 'http' | 'close';
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

/** How long a client may take to answer a close frame before it is cut off. */
const CLOSE_TIMEOUT_MS = 3000;

/** Whoever is left half a second after that is cut off. */
const GRACE_MS = 3500;

/** Builds the door. */
export function createDoor(gate: Gate): Door {
  const servers = createServers(gate.options.maxMessageBytes);
  const answer = createAnswer(gate, servers);

  const enter = async (upgrade: Upgrade): Promise<void> => {
    const { request, stream, path } = upgrade;
    if (stream.destroyed) return;
    // Asked for while the connection stands: afterwards it has no address.
    const address = gate.clientAddress(request);
    // Who ends its side before the answer has left, and keeps no place while others think about it.
    const leave = (): void => void stream.destroy();
    stream.once('end', leave);
    const outcome = await gate.examine({ request, stream, path, address });
    stream.off('end', leave);
    if (stream.destroyed) return;
    // The gate may have closed meanwhile; between this look and the session nothing happens.
    answer('failure' in outcome ? outcome : (shut(gate) ?? outcome), upgrade, address);
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
    emptied: () => allClosed([...servers.raw.clients, ...servers.v1.clients]),
  };
}

/** What is done about each outcome. */
function createAnswer(gate: Gate, servers: ReturnType<typeof createServers>) {
  const sayRefused = createRefusalLog('handshake', gate);

  /** Answers 101. From there on a close frame must say what goes wrong. */
  const open = (
    server: WebSocketServer,
    { request, stream, head }: Upgrade,
    then: (webSocket: WebSocket) => void,
  ): void =>
    server.handleUpgrade(request, stream, head, (webSocket) => {
      try {
        then(webSocket);
      } catch (error) {
        gate.log('handshake_failed', { error });
        turnAway(webSocket, failures.internal, gate);
      }
    });

  /** For somebody who has a few seconds to say who it is. */
  const receptionFor = (identify: Identify, address: string): Reception => ({
    authorize: async (token) => {
      const visitor = await identify(token);
      return 'failure' in visitor ? visitor : (shut(gate) ?? visitor);
    },
    denied: (denial) => sayRefused(denial, address),
  });

  return (outcome: Outcome, upgrade: Upgrade, address: string): void => {
    const { stream } = upgrade;
    if ('failure' in outcome) {
      sayRefused(outcome, address);
      refuse(stream, outcome);
    } else if ('late' in outcome) {
      sayRefused(outcome.late, address);
      if (gate.options.handshakeErrors === 'http') refuse(stream, outcome.late);
      else
        open(servers.v1, upgrade, (webSocket) => turnAway(webSocket, outcome.late.failure, gate));
    } else if ('identify' in outcome) {
      const reception = receptionFor(outcome.identify, address);
      open(servers.v1, upgrade, (webSocket) => {
        connect(webSocket, gate.authWait.add(new WsSocket(webSocket, stream), reception), gate.log);
      });
    } else {
      open(servers[outcome.protocol], upgrade, (webSocket) => {
        connect(webSocket, gate.admit(new WsSocket(webSocket, stream), outcome), gate.log);
      });
    }
  };
}

/** What speaks WebSocket: one for each protocol, since they answer offers of subprotocols differently. */
function createServers(maxMessageBytes: number) {
  const settings = {
    noServer: true,
    perMessageDeflate: false,
    // See Wire.pinged.
    autoPong: false,
    closeTimeout: CLOSE_TIMEOUT_MS,
    maxPayload: maxMessageBytes,
    maxFragments: 1024,
    maxBufferedChunks: 4096,
  };
  // By itself `ws` would echo the first name on offer, a credential even.
  return {
    raw: new WebSocketServer({ ...settings, handleProtocols: () => false }),
    v1: new WebSocketServer({ ...settings, handleProtocols: () => SUBPROTOCOL }),
  };
}

async function allClosed(clients: readonly WebSocket[]): Promise<void> {
  const late = setTimeout(() => {
    for (const client of clients) client.terminate();
  }, GRACE_MS);
  await Promise.all(clients.map((client) => once(client, 'close')));
  clearTimeout(late);
}

/** Closes a connection that never became a session. Whatever comes from it goes nowhere. */
function turnAway(webSocket: WebSocket, failure: Closing, { closeCodeOf, log }: Gate): void {
  // `ws` closes by itself then.
  webSocket.on('error', (error) => log('socket_error', { error }));
  webSocket.close(closeCodeOf(failure), failure.reason);
}

/** What a session needs of a WebSocket. */
class WsSocket implements Socket {
  readonly stream: Duplex;
  readonly #webSocket: WebSocket;

  constructor(webSocket: WebSocket, stream: Duplex) {
    this.stream = stream;
    this.#webSocket = webSocket;
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  ping(): void {
    this.#webSocket.ping();
  }

  close(code: number, { reason }: Closing): void {
    this.#webSocket.close(code, reason);
  }

  terminate(): void {
    this.#webSocket.terminate();
  }
}

/** The wire of each WebSocket. Functions of its own for its events would be kept as long as it is open. */
const wires = new WeakMap<WebSocket, Wire>();

function connect(webSocket: WebSocket, recipient: Recipient, log: Log): void {
  wires.set(webSocket, new Wire(webSocket, recipient, log));
  webSocket
    .on('message', onMessage)
    .on('ping', onPing)
    .on('pong', onPong)
    .on('close', onClose)
    .on('error', onError);
}

function onMessage(this: WebSocket, data: Buffer, isBinary: boolean): void {
  wires.get(this)?.message(data, isBinary ? 'binary' : 'text');
}

function onPing(this: WebSocket, data: Buffer): void {
  wires.get(this)?.pinged(data);
}

function onPong(this: WebSocket): void {
  wires.get(this)?.alive();
}

function onClose(this: WebSocket, code: number): void {
  wires.get(this)?.closed(code);
}

function onError(this: WebSocket, error: Error): void {
  wires.get(this)?.failed(error);
}

import type { WebSocket } from 'ws';

import { openConnection } from './connection.ts';
import type { Message } from './connection.ts';
import { Positions } from './positions.ts';
import type { Trust } from './positions.ts';
import type { Link, Reader, Witness } from './reader.ts';
import { sightOf } from './reader.ts';

/** Who it is, and what it subscribes to. */
export interface V1ReaderOptions {
  readonly channels: readonly string[];
  readonly token: string;
  readonly trust: Trust;
}

/** Reads channels over `postern.v1`, each from the last cursor that it was given for it. */
export class V1Reader implements Reader {
  readonly #options: V1ReaderOptions;
  readonly #positions: Positions;

  constructor(options: V1ReaderOptions) {
    this.#options = options;
    this.#positions = new Positions(options.trust);
  }

  open(port: number, witness: Witness): Link {
    const socket = openConnection({
      port,
      token: this.#options.token,
      onMessage: (message) => {
        if (!isOpen(socket)) return;
        this.#read(socket, message, witness);
        witness.wasRead(message['type'] === 'ok' ? 'reply' : 'message');
      },
      onEnd: (ending) => witness.ended(ending),
    });
    return {
      get isOpen() {
        return isOpen(socket);
      },
      get isPaused() {
        return socket.isPaused;
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      terminate: () => socket.terminate(),
    };
  }

  #read(socket: WebSocket, message: Message, witness: Witness): void {
    const { type, channel, cursor, payload, reason } = message;
    if (type === 'welcome') {
      witness.opened();
      this.#subscribe(socket);
    } else if (type === 'ok') this.#answered(message, witness);
    else if (typeof channel !== 'string') {
      if (type !== 'status') witness.surprised(JSON.stringify(message));
    } else {
      this.#positions.passed(channel, cursor);
      if (type === 'message') witness.saw(sightOf(channel, payload));
      else {
        witness.gapTold(String(reason));
        witness.saw({ type: 'gap', channel, atMs: performance.now() });
      }
    }
  }

  #subscribe(socket: WebSocket): void {
    for (const [index, channel] of this.#options.channels.entries()) {
      const from = this.#positions.of(channel);
      socket.send(JSON.stringify({ type: 'subscribe', id: index + 1, channel, from }));
    }
  }

  #answered(reply: Message, witness: Witness): void {
    const channel = this.#options.channels[Number(reply['id']) - 1] ?? '';
    witness.subscribed(channel);
    const { recovered } = reply;
    if (typeof recovered === 'boolean') witness.resumed(recovered);
    const isGap = this.#positions.answered(channel, reply);
    if (isGap) witness.saw({ type: 'gap', channel, atMs: performance.now() });
  }
}

function isOpen(socket: WebSocket): boolean {
  return socket.readyState === socket.OPEN;
}

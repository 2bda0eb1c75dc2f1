import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';

import type { Link, Reader, Witness } from './reader.ts';
import { sightOf } from './reader.ts';

/** Who it is, and what it reads. */
export interface SseReaderOptions {
  readonly channels: readonly string[];
  readonly token: string;
}

/** Reads channels as server-sent events, from the `id` that it was given last, as a browser does. */
export class SseReader implements Reader {
  readonly #options: SseReaderOptions;
  #lastEventId = '';

  constructor(options: SseReaderOptions) {
    this.#options = options;
  }

  open(port: number, witness: Witness): Link {
    const { channels, token } = this.#options;
    const query = channels.map((channel) => `channel=${encodeURIComponent(channel)}`).join('&');
    const from = this.#lastEventId === '' ? {} : { 'Last-Event-ID': this.#lastEventId };
    const asked = request({
      host: '127.0.0.1',
      port,
      path: `/sse?${query}`,
      agent: false,
      headers: { Authorization: `Bearer ${token}`, ...from },
    });
    let ending = 'cut';
    let response: IncomingMessage | undefined;
    asked.on('error', () => {
      // `close` follows.
    });
    asked.on('response', (answer) => {
      response = answer;
      if (answer.statusCode !== 200) ending = `HTTP ${answer.statusCode}`;
      else
        this.#read(answer, {
          ...witness,
          // What was read in one go with the end of the link is lost with it.
          isOver: () => asked.destroyed,
          ended: (type) => (ending = type),
        });
    });
    asked.on('close', () => witness.ended(ending));
    asked.end();
    return {
      get isOpen() {
        return response !== undefined && !asked.destroyed;
      },
      get isPaused() {
        return response?.isPaused() === true;
      },
      pause: () => response?.pause(),
      resume: () => response?.resume(),
      terminate: () => asked.destroy(),
    };
  }

  /** HTML §9.2.6, as far as it is made use of: an event counts once the empty line behind it has come. */
  #read(answer: IncomingMessage, witness: Witness & { isOver(): boolean }): void {
    let rest = '';
    answer.setEncoding('utf8').on('data', (text: string) => {
      const blocks = `${rest}${text}`.split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        if (witness.isOver()) return;
        const { id, event, data } = fieldsOf(block);
        if (id !== undefined) this.#lastEventId = id;
        if (event === 'closed' || event === 'expired') witness.ended(event);
        if (event !== undefined && data !== undefined)
          this.#told(event, { ...Object(JSON.parse(data)) }, witness);
        witness.wasRead(event === 'welcome' ? 'reply' : 'message');
      }
    });
  }

  #told(event: string, message: Readonly<Record<string, unknown>>, witness: Witness): void {
    const channel = String(message['channel']);
    if (event === 'message') witness.saw(sightOf(channel, message['payload']));
    else if (event === 'gap') {
      witness.gapTold(String(message['reason']));
      witness.saw({ type: 'gap', channel, atMs: performance.now() });
    } else if (event === 'welcome') {
      witness.opened();
      for (const name of this.#options.channels) witness.subscribed(name);
    } else if (!['status', 'closed'].includes(event)) {
      witness.surprised(`${event} ${JSON.stringify(message)}`);
    }
  }
}

/** The fields of an event, the last of each name. */
function fieldsOf(block: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    block.split('\n').map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
}

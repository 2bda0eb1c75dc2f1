/**
 * Clients that only listen, in a process of their own. The argument says as JSON where they come in, and as
 * what. Told a number over the channel from its parent, it lets so many in, and answers when they are;
 * told 0, it lets all of them go.
 */
import { enterAll } from '../../tests/load/bare-client.ts';
import type { BareClient, BareOptions } from '../../tests/load/bare-client.ts';
import { forgeToken, inSeconds } from '../../tests/support/tokens.ts';
import { until } from '../../tests/support/wait.ts';
import type { Guests } from './memory.ts';

/** Who share a channel. */
const ROOM = 10;
const PATIENCE_MS = 60_000;

const { port, kind }: Guests = JSON.parse(process.argv[2] ?? '');
let clients: readonly BareClient[] = [];
let answered = 0;

process.on('message', (count) => {
  void follow(Number(count)).then(() => process.send?.('done'));
});

async function follow(count: number): Promise<void> {
  if (count === 0) {
    for (const client of clients) client.leave();
    return;
  }
  answered = 0;
  clients = await enterAll(Array.from({ length: count }, (_, index) => visitor(index)));
  if (kind !== 'v1') return;
  clients.forEach((client, index) =>
    client.say(JSON.stringify({ type: 'subscribe', id: 1, channel: roomOf(index) })),
  );
  await until('every subscription', () => answered === count, PATIENCE_MS);
}

/** Each is a user of its own, with a token of its own. */
function visitor(index: number): BareOptions {
  const claims = {
    sub: `user ${index}`,
    mode: 'r',
    channels: [roomOf(index)],
    exp: inSeconds(3_600),
  };
  const token = forgeToken({ payload: claims });
  return {
    port,
    target: kind === 'raw' ? `/${token}` : '/ws',
    lines:
      kind === 'v1'
        ? `Sec-WebSocket-Protocol: postern.v1\r\nAuthorization: Bearer ${token}\r\n`
        : '',
    onText: (text) => {
      if (text.toString('latin1').startsWith('{"type":"ok"')) answered += 1;
    },
    onLost: () => {
      throw new Error('A connection was lost');
    },
  };
}

function roomOf(index: number): string {
  return `room ${Math.floor(index / ROOM)}`;
}

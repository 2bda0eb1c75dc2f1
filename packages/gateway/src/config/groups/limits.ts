import { option } from '../option.ts';
import { number, whole } from '../parsers.ts';

/** How much one client, or all of them, may take. */
export const limitOptions = {
  handshakesPerAddress: option(
    number(0).default(20),
    'Handshakes a second from one address (IPv6: one /64), as many at once; beyond it 429; 0: no limit.',
  ),
  connectionsPerAddress: option(
    whole(0).default(200),
    'Open connections from one address (IPv6: one /64); beyond it 429; 0: no limit.',
  ),
  connectionsPerUser: option(
    whole(0).default(20),
    'Open connections of one user, which is the token’s `sub` with its `iss`; beyond it 429; 0: no limit. Tokens without `sub` are not counted.',
  ),
  subscriptionsPerSession: option(
    whole(0).default(100),
    'Channels that a session of `postern.v1` may be subscribed to, or a stream at `/sse` may have; 0: no limit.',
  ),
  historySeconds: option(
    number(0).default(120),
    'Seconds that messages are kept, so that clients of `postern.v1` and streams that come back miss none; 0: none are.',
  ),
  historyBytes: option(
    whole(0).default(67_108_864),
    'Most bytes of memory that the messages kept may take, of all channels; 0: none are kept.',
  ),
  connections: option(whole(0).default(0), 'Open connections in all; beyond it 503; 0: no limit.'),
  maxConnectionAge: option(
    number(0).default(86_400),
    'Seconds after which any connection ends with 4002; 0: never.',
  ),
  maxMessageBytes: option(
    whole(0, 2 ** 31 - 1).default(65_536),
    'Longest message a client may send, in bytes; 0: no limit.',
  ),
  messagesPerSecond: option(
    number(0).default(50),
    'Messages a client may send each second, pings and pongs included; beyond it the connection ends with 4029; 0: no limit.',
  ),
  messageBurst: option(
    whole(1).default(100),
    'Messages a client may send at once, before `POSTERN_MESSAGES_PER_SECOND` counts.',
  ),
  queueBytes: option(
    whole(0).default(1_048_576),
    'Most bytes that may wait for a client that reads slowly; beyond it the connection ends with 4008; 0: no limit.',
  ),
};

import { encodeFrame, opcodes } from '../../tests/support/frames.ts';
import { CHANNEL, nextTexts } from '../fan-out/texts.ts';
import { openPublisher, startDaemon, whyLacking } from './daemon.ts';
import type { Places } from './daemon.ts';
import { upgradeRequest } from './peer.ts';
import type { PeerKind } from './peer.ts';

/** Packets of MQTT 3.1.1 by the first byte of their header. */
const packets = { connect: 0x10, publish: 0x30, subscribe: 0x82 } as const;

/** A clean session of a client that has no name, and is never asked whether it is alive. */
const CONNECT = packet('connect', [string('MQTT'), Buffer.from([4, 2, 0, 0]), string('')]);
const SUBSCRIBE = packet('subscribe', [Buffer.from([0, 1]), string(CHANNEL), Buffer.from([0])]);
const SUBSCRIBED = Buffer.from([0x90, 3, 0, 1, 0]);

/** Mosquitto (C): MQTT at quality 0, subscribers over WebSockets. */
export const mosquitto: PeerKind = {
  name: 'Mosquitto',
  lacks: () => whyLacking('mosquitto'),
  start: async (scope) => {
    const { pid, port, publishPort } = await startDaemon(scope, {
      program: 'mosquitto',
      configuration,
      args: ['-c'],
    });
    const publish = await openPublisher(scope, publishPort);
    publish(CONNECT);
    const payload = Buffer.concat([CONNECT, SUBSCRIBE]);
    return {
      pid,
      entrance: {
        port,
        request: upgradeRequest('/mqtt', ['Sec-WebSocket-Protocol: mqtt']),
        greeting: encodeFrame({ opcode: opcodes.binary, payload }),
        ready: SUBSCRIBED,
      },
      publish: async (messages) => {
        const texts = nextTexts(messages).map((text) => Buffer.from(text));
        publish(Buffer.concat(texts.map((text) => packet('publish', [string(CHANNEL), text]))));
      },
    };
  },
};

function configuration({ port, publishPort }: Places): string {
  return [
    'allow_anonymous true',
    `listener ${publishPort} 127.0.0.1`,
    `listener ${port} 127.0.0.1`,
    'protocol websockets',
    '',
  ].join('\n');
}

/** A packet shorter than 16 KiB: its length has two bytes at the most, seven bits in each. */
function packet(kind: keyof typeof packets, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length =
    body.length < 0x80 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7];
  return Buffer.concat([Buffer.from([packets[kind], ...length]), body]);
}

/** A text with its length in front. */
function string(text: string): Buffer {
  return Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)]);
}

import { encodeFrame, opcodes } from '../../tests/support/frames.ts';
import { CHANNEL, nextTexts } from '../fan-out/texts.ts';
import { openPublisher, startDaemon, whyLacking } from './daemon.ts';
import type { Places } from './daemon.ts';
import { upgradeRequest } from './peer.ts';
import type { PeerKind } from './peer.ts';

const CONNECT = 'CONNECT {"verbose":false}\r\n';

/** NATS server (Go): core NATS, subscribers over WebSockets. */
export const nats: PeerKind = {
  name: 'NATS',
  lacks: () => whyLacking('nats-server'),
  start: async (scope) => {
    const { pid, port, publishPort } = await startDaemon(scope, {
      program: 'nats-server',
      configuration,
      args: ['-c'],
    });
    const publish = await openPublisher(scope, publishPort);
    publish(CONNECT);
    const payload = `${CONNECT}SUB ${CHANNEL} 1\r\nPING\r\n`;
    return {
      pid,
      entrance: {
        port,
        request: upgradeRequest('/'),
        greeting: encodeFrame({ opcode: opcodes.binary, payload }),
        ready: 'PONG',
      },
      publish: async (messages) =>
        publish(
          nextTexts(messages)
            .map((text) => `PUB ${CHANNEL} ${text.length}\r\n${text}\r\n`)
            .join(''),
        ),
    };
  },
};

/** It asks whether its clients are alive by text, which those of the bench do not answer: never, then. */
function configuration({ port, publishPort }: Places): string {
  return `
    listen: "127.0.0.1:${publishPort}"
    websocket { listen: "127.0.0.1:${port}", no_tls: true }
    ping_interval: "1h"
  `;
}

import { once } from 'node:events';
import { connect } from 'node:net';

import { encodeFrame, opcodes } from '../../tests/support/frames.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import { until } from '../../tests/support/wait.ts';
import { MARKER } from '../fan-out/texts.ts';
import type { Entrance } from '../peers/peer.ts';

const END_OF_HEAD = '\r\n\r\n';
const PONG = encodeFrame({ opcode: opcodes.pong });
/** The first byte of a ping. It is in no text that servers send here. */
const PING = 0x89;
const MARKER_BYTE = MARKER.charCodeAt(0);

/** Lets one subscriber in, whose messages are told by their marker, however they are framed. */
export async function receive(
  scope: Scope,
  { port, request, greeting, ready }: Entrance,
  onMessage: () => void,
): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  scope.after(async () => void socket.destroy());
  await once(socket, 'connect');
  let answer = '';
  const onAnswer = (chunk: Buffer): void => void (answer += chunk.toString('latin1'));
  const hears = (text: Buffer | string): Promise<boolean> =>
    until(`an answer with ${text.toString()}`, () => answer.includes(text.toString('latin1')));

  socket.on('data', onAnswer);
  socket.write(request);
  await hears(END_OF_HEAD);
  if (!answer.startsWith('HTTP/1.1 101 ')) throw new Error(`Not 101, but ${answer}`);
  if (greeting !== undefined) socket.write(greeting);
  if (ready !== undefined) await hears(ready);
  socket.off('data', onAnswer);

  socket.on('data', (chunk) => {
    for (const byte of chunk) {
      if (byte === MARKER_BYTE) onMessage();
      else if (byte === PING) socket.write(PONG);
    }
  });
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';

import { exchange, handshake, request } from '../support/exchange.ts';
import { startGateway } from '../support/gateway.ts';
import type { LoggedEvent } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { closePayload, opcodes } from '../support/frames.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { SECRET, signToken } from '../support/tokens.ts';

/** Stands wherever a request can carry a secret. */
const MARK = 'hunter2';

const scope = failOnLeaks();

/** Every field of every event, errors, their causes and hidden members too. */
function everythingIn(events: readonly LoggedEvent[]): string {
  return inspect(events, {
    depth: Infinity,
    maxArrayLength: null,
    maxStringLength: null,
    showHidden: true,
  });
}

describe('The log', () => {
  it('holds nothing of what requests carry but whose verified token it was', async () => {
    const { port, events, logged } = await startGateway(scope, {
      environment: { POSTERN_STATIC_ROOT: '.', POSTERN_ALLOWED_ORIGINS: 'https://app.test' },
    });
    const token = await signToken({ mode: 'rw', channel: MARK, sub: 'ada', jti: MARK, exp: 2e9 });
    const lines = [`X-Mark: ${MARK}`, `Cookie: a=${MARK}`, `Authorization: Bearer ${MARK}`];
    for (const path of [
      `/${token}`,
      `/${MARK}/${token}`,
      `/${MARK}`,
      `/${token}/${MARK}?a=${MARK}`,
    ]) {
      await request(port, { target: path, lines });
      await request(port, { method: 'POST', target: path, lines });
      await handshake(port, { target: path, lines });
      await handshake(port, { target: path, lines, method: 'PUT' });
      await handshake(port, { target: path, lines, headers: { Connection: undefined } });
      await handshake(port, { target: path, lines, headers: { Origin: `https://${MARK}` } });
      await handshake(port, { target: path, lines: [...lines, `Broken ${MARK}`] });
      await exchange(
        port,
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${'x'.repeat(20_000)}: y\r\n\r\n`,
      );
    }
    await logged('handshake_refused');
    await breakOff(port, `/${token}`);
    await logged('socket_error');

    const log = everythingIn(events);
    assert.ok(events.some(({ fields }) => fields['user'] === 'ada'));
    for (const secret of [MARK, SECRET, ...token.split('.')]) assert.ok(!log.includes(secret), log);
  });
});

/** A client that is let in, sends a message, and then breaks the rules of the protocol. */
async function breakOff(port: number, path: string): Promise<void> {
  const socket = await RawSocket.connect(port);
  assert.equal((await socket.upgrade(path)).status, 101);
  socket.sendFrame({ opcode: opcodes.text, payload: MARK });
  assert.match(String((await socket.frame()).payload), new RegExp(MARK));
  socket.sendFrame({ opcode: opcodes.text, payload: MARK, masked: false });
  socket.sendFrame({ opcode: opcodes.close, payload: closePayload(1000, MARK) });
  await socket.ended();
  socket.destroy();
}

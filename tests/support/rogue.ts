import assert from 'node:assert/strict';

import type { Scope } from './postgres.ts';
import { RawSocket } from './raw-socket.ts';
import { signToken } from './tokens.ts';

/**
 * Enters a gateway in good order with a token of these claims. From then on the connection does what
 * it is told and nothing else: it answers no ping and no close frame, whatever is asked of it.
 */
export async function enter(
  scope: Scope,
  port: number,
  claims: Readonly<Record<string, unknown>>,
): Promise<RawSocket> {
  const socket = await RawSocket.connect(port);
  scope.after(() => Promise.resolve(socket.destroy()));
  const { status } = await socket.upgrade(`/${await signToken(claims)}`);
  assert.equal(status, 101);
  return socket;
}

import assert from 'node:assert/strict';

import type { Scope } from './postgres.ts';
import { RawSocket } from './raw-socket.ts';
import { signToken } from './tokens.ts';

/** How far a connection has come: to a session of either protocol, or to where an `auth` is waited for. */
export const stages = ['raw', 'v1', 'waiting'] as const;
export type Stage = (typeof stages)[number];

/**
 * Enters a gateway in good order with a token of these claims. From then on the connection does what
 * it is told and nothing else: it answers no ping and no close frame, whatever is asked of it.
 */
export async function enter(
  scope: Scope,
  port: number,
  claims: Readonly<Record<string, unknown>>,
  stage: Stage = 'raw',
): Promise<RawSocket> {
  const socket = await RawSocket.connect(port);
  scope.after(() => Promise.resolve(socket.destroy()));
  const token = await signToken(claims);
  const { status } =
    stage === 'raw'
      ? await socket.upgrade(`/${token}`)
      : await socket.upgrade('/ws', {
          'Sec-WebSocket-Protocol': 'postern.v1',
          Authorization: stage === 'v1' ? `Bearer ${token}` : undefined,
        });
  assert.equal(status, 101);
  if (stage === 'v1') assert.match(String((await socket.frame()).payload), /"type":"welcome"/);
  return socket;
}

import { startMeasured } from '../../tests/load/measured-gateway.ts';
import { encodeFrame, opcodes } from '../../tests/support/frames.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import { inSeconds, signToken } from '../../tests/support/tokens.ts';
import { CHANNEL, nextNotifications } from '../fan-out/texts.ts';
import { notify } from './notify.ts';
import { upgradeRequest } from './peer.ts';
import type { Entrance, PeerKind } from './peer.ts';

const DAY_SECONDS = 86_400;

/** Its subscribers by the raw protocol: the token is in the path, and names the channel. */
export const posternRaw = postern('postern raw', (port, token) => ({
  port,
  request: upgradeRequest(`/${token}`),
}));

/** Its subscribers by `postern.v1`, each with a `subscribe`. */
export const posternV1 = postern('postern v1', (port, token) => ({
  port,
  request: upgradeRequest('/ws', [
    'Sec-WebSocket-Protocol: postern.v1',
    `Authorization: Bearer ${token}`,
  ]),
  greeting: encodeFrame({
    opcode: opcodes.text,
    payload: JSON.stringify({ type: 'subscribe', id: 1, channel: CHANNEL }),
  }),
  ready: '"type":"ok"',
}));

/** `postern serve` as it comes, but for limits on clients, which all have one address here. */
function postern(name: string, enter: (port: number, token: string) => Entrance): PeerKind {
  return {
    name,
    start: async (scope) => {
      const { url, channel, query } = await freshDatabase(scope);
      const environment = { POSTERN_CONNECTIONS: '0', POSTERN_LOG_LEVEL: 'info' };
      const { pid, port } = await startMeasured(scope, { url, channel, environment });
      const claims = { mode: 'r', channels: [CHANNEL], exp: inSeconds(DAY_SECONDS) };
      return {
        pid,
        entrance: enter(port, await signToken({ ...claims, sub: 'bench' })),
        publish: (messages) => notify(query, channel, nextNotifications(messages)),
      };
    },
  };
}

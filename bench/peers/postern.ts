import { startMeasured } from '../../tests/load/measured-gateway.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import { inSeconds, signToken } from '../../tests/support/tokens.ts';
import { CHANNEL, nextNotification } from '../fan-out/texts.ts';
import { notify } from './notify.ts';
import { upgradeRequest } from './peer.ts';
import type { PeerKind } from './peer.ts';

const DAY_SECONDS = 86_400;

/** `postern serve`, its clients by the raw protocol. */
export const posternRaw: PeerKind = {
  name: 'postern raw',
  start: async (scope) => {
    const { url, channel, query } = await freshDatabase(scope);
    const environment = { POSTERN_CONNECTIONS: '0', POSTERN_LOG_LEVEL: 'info' };
    const { pid, port } = await startMeasured(scope, { url, channel, environment });
    const claims = { mode: 'r', channels: [CHANNEL], exp: inSeconds(DAY_SECONDS) };
    return {
      pid,
      entrance: { port, request: upgradeRequest(`/${await signToken(claims)}`) },
      publish: (messages) =>
        notify(query, channel, Array.from({ length: messages }, nextNotification)),
    };
  },
};

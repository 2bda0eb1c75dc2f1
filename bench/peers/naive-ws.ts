import { fileURLToPath } from 'node:url';

import { freshDatabase } from '../../tests/support/postgres.ts';
import { nextTexts } from '../fan-out/texts.ts';
import { notify } from './notify.ts';
import { startProgram, upgradeRequest } from './peer.ts';
import type { PeerKind } from './peer.ts';

const SERVER = fileURLToPath(new URL('naive-ws-server.js', import.meta.url));

/** Node with `LISTEN`, and `ws.send(text)` to each. */
export const naiveWs: PeerKind = {
  name: 'naive ws',
  start: async (scope) => {
    const { url, channel, query } = await freshDatabase(scope);
    const { pid, port } = await startProgram(scope, process.execPath, [SERVER, url, channel]);
    return {
      pid,
      entrance: { port, request: upgradeRequest('/') },
      publish: (messages) => notify(query, channel, nextTexts(messages)),
    };
  },
};

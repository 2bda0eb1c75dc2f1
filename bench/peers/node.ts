import { fileURLToPath } from 'node:url';

import { freshDatabase } from '../../tests/support/postgres.ts';
import { nextTexts } from '../fan-out/texts.ts';
import { notify } from './notify.ts';
import { startProgram, upgradeRequest } from './peer.ts';
import type { PeerKind } from './peer.ts';

/** Node with `LISTEN`, and `socket.write` of a frame that was built once to each. */
export const bareSocket = inNode('bare socket', 'bare-socket-server.js');

/** Node with `LISTEN`, and `ws.send(text)` to each. */
export const naiveWs = inNode('naive ws', 'naive-ws-server.js');

function inNode(name: string, file: string): PeerKind {
  const program = fileURLToPath(new URL(file, import.meta.url));
  return {
    name,
    start: async (scope) => {
      const { url, channel, query } = await freshDatabase(scope);
      const { pid, port } = await startProgram(scope, process.execPath, [program, url, channel]);
      return {
        pid,
        entrance: { port, request: upgradeRequest('/') },
        publish: (messages) => notify(query, channel, nextTexts(messages)),
      };
    },
  };
}

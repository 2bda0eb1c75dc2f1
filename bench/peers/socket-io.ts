import { fileURLToPath } from 'node:url';

import { createAdapter } from '@socket.io/postgres-adapter';
import pg from 'pg';
import { Server } from 'socket.io';

import { encodeFrame, opcodes } from '../../tests/support/frames.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import { nextTexts } from '../fan-out/texts.ts';
import { startProgram, upgradeRequest } from './peer.ts';
import type { PeerKind } from './peer.ts';

const SERVER = fileURLToPath(new URL('socket-io-server.js', import.meta.url));

/** In Engine.IO a message, in Socket.IO to connect to the namespace `/`; and the answer to it. */
const [CONNECT, CONNECTED] = ['40', '40{"sid"'];

/**
 * Socket.IO 4 with its PostgreSQL adapter, told by another server that has the adapter, and no clients: the
 * adapter, as of 0.5.0, drops what `@socket.io/postgres-emitter` 0.1.1 sends, which names no namespace.
 */
export const socketIo: PeerKind = {
  name: 'Socket.IO',
  start: async (scope) => {
    const { url } = await freshDatabase(scope);
    const { pid, port } = await startProgram(scope, process.execPath, [SERVER, url]);
    // One connection to listen, and one that the messages of a burst share.
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    const teller = new Server({ adapter: createAdapter(pool) });
    scope.after(async () => {
      await teller.of('/').adapter.close();
      await pool.end();
    });
    return {
      pid,
      entrance: {
        port,
        request: upgradeRequest('/socket.io/?EIO=4&transport=websocket'),
        greeting: encodeFrame({ opcode: opcodes.text, payload: CONNECT }),
        ready: CONNECTED,
      },
      publish: async (messages) => {
        for (const text of nextTexts(messages)) teller.emit('message', text);
      },
    };
  },
};

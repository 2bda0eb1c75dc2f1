/**
 * The least that answers handshakes: `node:http` and `ws`, and no question asked. What a gateway costs
 * beyond this is its own.
 */
import { createServer } from 'node:http';

import { WebSocketServer } from 'ws';

const server = createServer();
const webSockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  handleProtocols: () => 'postern.v1',
});
server.on('upgrade', (request, stream, head) => {
  webSockets.handleUpgrade(request, stream, head, (webSocket) => {
    webSocket.on('error', () => {
      // Clients break off when they have been counted.
    });
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  console.log(JSON.stringify({ port, event: 'listening' }));
  console.log(JSON.stringify({ event: 'ready' }));
});

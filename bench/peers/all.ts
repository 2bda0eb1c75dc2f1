import { floor } from './floor.ts';
import { mosquitto } from './mosquitto.ts';
import { nats } from './nats.ts';
import { nchan } from './nchan.ts';
import { bareSocket, naiveWs } from './node.ts';
import type { PeerKind } from './peer.ts';
import { posternRaw, posternV1 } from './postern.ts';
import { socketIo } from './socket-io.ts';

/** Every server that is compared, the floor first. */
export const peers: readonly PeerKind[] = [
  floor,
  posternRaw,
  posternV1,
  bareSocket,
  naiveWs,
  socketIo,
  nchan,
  mosquitto,
  nats,
];

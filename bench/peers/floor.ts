import { compileNative } from '../fan-out/native.ts';
import { nextTexts } from '../fan-out/texts.ts';
import { startProgram, upgradeRequest } from './peer.ts';
import type { PeerKind } from './peer.ts';

/** The least that it takes: C, one `write()` of frames that were built before. */
export const floor: PeerKind = {
  name: 'floor',
  start: async (scope) => {
    const { pid, port, tell } = await startProgram(scope, await compileNative('floor'), [
      ...nextTexts(1),
    ]);
    return {
      pid,
      entrance: { port, request: upgradeRequest('/') },
      publish: async (messages) => tell(String(messages)),
    };
  },
};

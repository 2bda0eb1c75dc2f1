import { useCallback, useSyncExternalStore } from 'react';

import type { ClientState } from '../state.ts';
import { useClient } from './provider.ts';

const IDLE: ClientState = { name: 'idle' };

/** What the client is doing: its `state`. On a server it is `idle`. */
export function useConnection(): ClientState {
  const client = useClient();
  const subscribe = useCallback((onChange: () => void) => client.on('state', onChange), [client]);
  return useSyncExternalStore(
    subscribe,
    () => client.state,
    () => IDLE,
  );
}

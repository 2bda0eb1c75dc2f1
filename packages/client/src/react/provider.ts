import { createContext, createElement, useContext } from 'react';
import type { ReactElement, ReactNode } from 'react';

import type { Client } from '../client.ts';

const ClientContext = createContext<Client | undefined>(undefined);

/** Gives a client to all components in it. It neither connects the client nor closes it. */
export function PosternProvider(props: {
  readonly client: Client;
  readonly children?: ReactNode;
}): ReactElement {
  return createElement(ClientContext.Provider, { value: props.client }, props.children);
}

/**
 * The client of the provider around a component: to connect it anew after a login, for example.
 *
 * @throws Error when there is no provider.
 */
export function useClient(): Client {
  const client = useContext(ClientContext);
  if (client === undefined) throw new Error('There is no <PosternProvider> around this component');
  return client;
}

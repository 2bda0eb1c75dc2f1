import assert from 'node:assert/strict';

import { createGateway } from 'postern';
import type { Applicant, EventName, Fields, GatewayOptions } from 'postern';

import { heard } from './evidence.ts';
import { handshake } from './exchange.ts';
import { freshDatabase } from './postgres.ts';
import type { Scope } from './postgres.ts';
import { listeningServer } from './program-server.ts';
import type { ListeningServer } from './program-server.ts';
import { SECRET, signToken } from './tokens.ts';
import { WsClient } from './ws-client.ts';

/** Whoever comes, unless a test says otherwise. */
export const CHAT = { mode: 'rw', channels: ['chat'], sub: 'ada', exp: 2e9 } as const;

/** What a test gives the gateway. */
export type Hooks = Pick<
  GatewayOptions,
  'authorize' | 'onSession' | 'basePath' | 'connectionsPerAddress' | 'connectionsPerUser'
>;

/** A gateway with hooks, on a server of a program's. */
export interface Hooked {
  readonly gateway: ReturnType<typeof createGateway>;
  readonly port: number;
  /** Connects with these claims. */
  connect(claims?: object): Promise<WsClient>;
  /** The answer to a handshake with them: status and body. */
  knock(claims?: object): Promise<readonly unknown[]>;
  /** What was logged of an event. */
  fieldsOf(name: EventName): readonly Fields[];
}

/** Starts one on a server of its own, or on one that is there. */
export async function startHooked(
  scope: Scope,
  hooks: Hooks,
  place?: ListeningServer,
): Promise<Hooked> {
  const { url, channel } = await freshDatabase(scope);
  const events: (readonly [EventName, Fields])[] = [];
  const gateway = createGateway({
    databaseUrl: url,
    databaseChannel: channel,
    jwtSecret: SECRET,
    urlTokens: true,
    poolSize: 1,
    drainSeconds: 0,
    log: heard((event, fields = {}) => void events.push([event, fields])),
    ...hooks,
  });
  scope.after(() => gateway.stop());
  const { server, port } = place ?? (await emptyServer(scope));
  gateway.attach(server);
  await gateway.start();
  const base = hooks.basePath ?? '/postern';
  return {
    gateway,
    port,
    connect: async (claims: object = CHAT): Promise<WsClient> => {
      const client = await WsClient.connect(`ws://127.0.0.1:${port}${base}/${await sign(claims)}`);
      scope.after(() => Promise.resolve(client.terminate()));
      return client;
    },
    knock: async (claims: object = CHAT): Promise<readonly unknown[]> => {
      const answer = await handshake(port, { target: `${base}/${await sign(claims)}` });
      return [answer.status, answer.body];
    },
    fieldsOf: (name: EventName): readonly Fields[] =>
      events.filter(([event]) => event === name).map(([, fields]) => fields),
  };
}

/** Claims as a token that the gateway takes. */
export const sign = (claims: object): Promise<string> => signToken({ ...claims });

/** A server of a program that has nothing to say. */
export const emptyServer = (scope: Scope): Promise<ListeningServer> =>
  listeningServer(scope, (_, response) => void response.end());

/** What is decided from outside, and whether somebody waits for it. */
export function decision() {
  let decide: (answer: boolean) => void = () => {};
  let fail: (error: Error) => void = () => {};
  let ask: () => void = () => {};
  const answer = new Promise<boolean>((resolve, reject) => ([decide, fail] = [resolve, reject]));
  const asked = new Promise<void>((resolve) => (ask = resolve));
  const authorize = ({ claims }: Applicant): boolean | Promise<boolean> => {
    if (claims['sub'] !== 'ada') return true;
    ask();
    return answer;
  };
  return {
    authorize,
    asked,
    decide: (value: boolean) => decide(value),
    fail: (error: Error) => fail(error),
  };
}

/** Asserts that a client gets what it sends. */
export async function hearsItself(client: WsClient): Promise<void> {
  client.send('still here');
  assert.match(await client.message(), /"payload":"still here"/);
}

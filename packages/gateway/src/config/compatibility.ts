import type { Environment } from './sources.ts';

/** Option values by name as they were given, before they are parsed. */
export type RawOptions = Record<string, unknown>;

const ownKeys = [
  'POSTERN_JWT_SECRET',
  'POSTERN_JWT_SECRET_FILE',
  'POSTERN_JWKS',
  'POSTERN_JWKS_FILE',
];

/**
 * The program is started as postgres-websockets was: its secret is set and none of ours. Then it
 * behaves as that did, less its defects; the log names the safer settings.
 */
export function isCompatibilityStart(environment: Environment): boolean {
  return isSet(environment['PGWS_JWT_SECRET']) && !ownKeys.some((name) => isSet(environment[name]));
}

/** Defaults of a compatibility start: what postgres-websockets did when nothing was said. */
export const compatibleDefaults = {
  host: '*4',
  connectRetries: 5,
  onListenerLoss: 'exit',
  urlTokens: true,
  openChannels: true,
  channelPatterns: false,
  requireExp: false,
  maxConnectionAge: 0,
  messagesPerSecond: 0,
  allowedHosts: '*',
  handshakesPerAddress: 0,
  connectionsPerAddress: 0,
  connectionsPerUser: 0,
} as const;

/** The aliases that are more than another name for an option. */
export const translations: Readonly<Record<string, (value: string) => RawOptions>> = {
  /** Milliseconds; and only where it is set does a lost listener not end the program. */
  PGWS_CHECK_LISTENER_INTERVAL: (milliseconds) => ({
    listenerCheckSeconds: Number(milliseconds) / 1000,
    onListenerLoss: 'reconnect',
  }),
  /** Never for ever: with 0 there is still the one attempt. */
  PGWS_RETRIES: (retries) => ({ connectRetries: Math.max(Number(retries), 1) }),
};

/** An empty variable counts as none: that is how compose files leave one out. */
export function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

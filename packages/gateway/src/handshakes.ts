import { createOriginCheck, createOrigins } from './auth/origins.ts';
import type { SigningKeys } from './auth/signing-keys.ts';
import type { Verify } from './auth/verify.ts';
import type { Options } from './config/options.ts';
import type { Examine, Guard } from './http/examine.ts';
import { createExamination } from './http/examine.ts';
import type { SseGate } from './http/examine-sse.ts';
import { createRawExamination } from './http/examine-raw.ts';
import type { Spend } from './http/credentials.ts';
import { createWsExamination } from './http/examine-ws.ts';
import { createTransportCheck } from './http/transport.ts';
import { createTurnstile } from './http/turnstile.ts';
import type { ReplayStore, ReplayStoreOptions } from './postgres/replay-store.ts';
import { createReplayStore } from './postgres/replay-store.ts';
import type { Clock } from './session/deadline.ts';

/** What handshakes have in common with the rest of a gateway. */
interface Shared extends Omit<Guard, 'turnstile'> {
  readonly verify: Verify;
  readonly keys: SigningKeys;
  readonly spend: Spend;
  readonly development: boolean;
  readonly clock: Clock;
}

/** Who may come in, and by what. */
export interface Examinations {
  readonly examine: Examine;
  /** What requests for streams are held against: they share places and rates with handshakes. */
  readonly streams: SseGate;
}

/** Joins the guards of handshakes, of either protocol, and of streams, as the options say. */
export function examinationsFor(options: Options, shared: Shared): Examinations {
  const { allowedOrigins, embedOrigins, publicUrl } = options;
  const { clock } = shared;
  const gate = {
    ...shared,
    turnstile: createTurnstile(options, () => clock.monotonicMs()),
    now: () => clock.wallMs() / 1000,
  };
  const raw = createRawExamination({
    ...gate,
    originAllowed: createOriginCheck(allowedOrigins),
    grantRules: options,
  });
  const origins = createOrigins({ allowed: allowedOrigins, embed: embedOrigins, publicUrl });
  const credentials = {
    ...gate,
    transportOf: createTransportCheck({ ...options, ...shared }),
    clockLeewaySeconds: options.clockLeeway,
    options,
  };
  const v1 = createWsExamination({ ...credentials, originOf: origins.ofHandshake });
  return {
    // Without tokens in the path there is no raw protocol.
    examine: createExamination(gate, { raw: options.urlTokens ? raw : undefined, v1 }),
    streams: { ...credentials, originOf: origins.ofStream },
  };
}

/** Which tickets were used, where any counts once: else nobody asks, and nothing is cleared away. */
export function replayStoreFor(
  options: Options,
  {
    clock,
    ...shared
  }: Omit<ReplayStoreOptions, 'leewaySeconds' | 'now'> & { readonly clock: Clock },
): ReplayStore {
  const { singleUse, embedOrigins, clockLeeway: leewaySeconds } = options;
  const now = (): number => clock.wallMs() / 1000;
  const store = createReplayStore({ ...shared, leewaySeconds, now });
  const isAsked = singleUse || embedOrigins.length > 0;
  return isAsked ? store : { ...store, start: () => undefined };
}

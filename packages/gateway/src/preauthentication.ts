import { createOrigins } from './auth/origins.ts';
import { createSigningKeys, randomSigningKeys } from './auth/signing-keys.ts';
import type { SigningKeys } from './auth/signing-keys.ts';
import type { Claims, Verify } from './auth/verify.ts';
import type { Options } from './config/options.ts';
import { GatewayError } from './errors.ts';
import { createAuthHook } from './http/auth-hook.ts';
import type { Authenticate } from './http/authenticate.ts';
import { createAuthenticator } from './http/authenticate.ts';
import type { BasePath } from './http/base-path.ts';
import type { ClientAddress } from './http/client-ip.ts';
import { HandshakeRate } from './http/handshake-rate.ts';
import type { HostCheck } from './http/host.ts';
import type { Preauth } from './http/preauth-route.ts';
import { createPreauth } from './http/preauth-route.ts';
import { createSocketUrl } from './http/socket-url.ts';
import { createTransportCheck } from './http/transport.ts';
import type { Log } from './observe/log.ts';
import type { Meters } from './observe/meters.ts';
import type { Clock } from './session/deadline.ts';

/** What preauthentication has in common with the rest of a gateway. */
interface Shared {
  readonly basePath: BasePath;
  readonly hostAllowed: HostCheck;
  readonly clientAddress: ClientAddress;
  readonly verify: Verify;
  readonly keys: SigningKeys;
  readonly authenticate: Authenticate | undefined;
  readonly isRevoked: (claims: Claims) => boolean;
  readonly development: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly meters: Meters;
}

/** The keys of the gateway's own tickets: from the secrets in the options, else made up. */
export function signingKeysFor({ secrets }: Options): SigningKeys {
  return secrets === undefined ? randomSigningKeys() : createSigningKeys(secrets.reveal());
}

/** Joins the parts of `POST /preauth` as the options say. Throws `POSTERN_CONFIG`. */
export function preauthFor(options: Options, shared: Shared): Preauth {
  const { authUrl, allowedOrigins, embedOrigins, publicUrl, handshakesPerAddress } = options;
  const { authenticate, clock, log } = shared;
  if (authUrl !== undefined && authenticate !== undefined)
    throw new GatewayError('POSTERN_CONFIG', {
      detail: 'authUrl and authenticate: each has the whole say on who a user is; give one of them',
    });

  if (shared.development) log('development');
  const now = (): number => clock.wallMs() / 1000;
  return createPreauth({
    ...shared,
    transportOf: createTransportCheck({ ...options, ...shared }),
    originOf: createOrigins({ allowed: allowedOrigins, embed: embedOrigins, publicUrl }).ofPreauth,
    ownOrigin: publicUrl === undefined ? undefined : new URL(publicUrl).origin,
    rates: {
      ofAddresses: new HandshakeRate(handshakesPerAddress),
      ofUsers: new HandshakeRate(handshakesPerAddress),
    },
    authenticate: createAuthenticator({
      ...shared,
      askHook: authUrl === undefined ? undefined : createAuthHook(authUrl),
      siteCookie: options.siteCookie,
      now,
      log,
    }),
    socketUrl: createSocketUrl({ publicUrl, basePath: shared.basePath }),
    now,
    nowMs: () => clock.monotonicMs(),
    options,
  });
}

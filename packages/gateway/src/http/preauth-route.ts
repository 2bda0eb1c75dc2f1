import type { IncomingMessage, ServerResponse } from 'node:http';
import { failures } from '@postern/client/protocol';
import { COOKIE_NAME, DEV_COOKIE_NAME } from '../auth/auth-cookie.ts';
import type { OriginFailure, Origins, Whence } from '../auth/origins.ts';
import { EVERYTHING, narrowed, scopeRules } from '../auth/scopes.ts';
import type { SigningKeys } from '../auth/signing-keys.ts';
import type { Claims } from '../auth/verify.ts';
import { userOf } from '../observe/audit.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import { addressBlock } from './address-block.ts';
import type { Authenticator } from './authenticate.ts';
import type { ClientAddress } from './client-ip.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { originFailures } from './credentials.ts';
import { isFetchAllowed } from './fetch-metadata.ts';
import type { HandshakeRate } from './handshake-rate.ts';
import { hasBody } from './handshake.ts';
import { headerLines } from './header-lines.ts';
import type { HostCheck } from './host.ts';
import { isHost } from './host.ts';
import { readPreauthBody } from './preauth-body.ts';
import type { PreauthWish } from './preauth-body.ts';
import type { LoginRules } from './preauth-login.ts';
import { loginOf } from './preauth-login.ts';
import type { Granted } from './preauth-tickets.ts';
import { mintTickets } from './preauth-tickets.ts';
import { answerJson, answerProblem, preauthHeaders } from './problem.ts';
import { createRefusalLog } from './refusal-log.ts';
import type { Refusal } from './refuse.ts';
import type { SocketUrl } from './socket-url.ts';
import type { Transport } from './transport.ts';

/** What preauthentication asks of the other parts. */
export interface PreauthGate {
  readonly transportOf: (request: IncomingMessage) => Transport;
  readonly hostAllowed: HostCheck;
  readonly originOf: Origins['ofPreauth'];
  /** The gateway's own origin; undefined: it does not know it. */
  readonly ownOrigin: string | undefined;
  readonly clientAddress: ClientAddress;
  readonly rates: Readonly<Record<'ofAddresses' | 'ofUsers', HandshakeRate>>;
  readonly authenticate: Authenticator;
  /** Whether what has these claims was revoked. */
  readonly isRevoked: (claims: Claims) => boolean;
  readonly socketUrl: SocketUrl;
  readonly keys: SigningKeys;
  /** UNIX seconds. */
  readonly now: () => number;
  /** Monotonic time. */
  readonly nowMs: () => number;
  readonly log: Log;
  readonly meters: Meters;
  readonly options: LoginRules & { readonly channelPatterns: boolean };
}

/** Answers a request to preauthenticate. Rejects for bugs only. */
export type Preauth = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Somebody who asks, as far as it can be told without a doubt. */
interface Visit {
  readonly request: IncomingMessage;
  readonly transport: Transport;
  readonly whence: Whence | OriginFailure;
  readonly address: string;
}

/** Builds the route `POST /preauth`. */
export function createPreauth(gate: PreauthGate): Preauth {
  const sayRefused = createRefusalLog('preauth', gate);

  return async (request, response) => {
    const whence = gate.originOf(request.rawHeaders);
    const cors = typeof whence === 'string' ? {} : corsHeaders(whence);
    // Asked for while the connection stands: afterwards it has no address.
    const address = gate.clientAddress(request);
    const transport = gate.transportOf(request);

    const refuse = (refusal: Refusal): void => {
      sayRefused(refusal, address);
      // What is left of a body would have to be read before the next request.
      if (hasBody(request) && !request.complete) response.shouldKeepAlive = false;
      answerProblem(response, refusal, cors);
    };
    const outcome = await examine({ request, transport, whence, address }, gate);
    if ('failure' in outcome) return refuse(outcome);
    if ('preflight' in outcome) {
      response.writeHead(204, {
        ...preauthHeaders,
        ...preflightHeaders(outcome.preflight, 'preauth'),
      });
      response.end();
      return;
    }
    const tickets = mintTickets(outcome, { keys: gate.keys, nowSeconds: gate.now() });
    if ('failure' in tickets) return refuse(tickets);

    const ticket = outcome.cookieName === undefined ? 'embed' : 'cookie';
    gate.meters.counter('preauthsGranted', { ticket }).add();
    gate.log('preauth_granted', { ticket, address, user: userOf({ sub: outcome.login.sub }) });
    answerJson(response, 200, tickets.body, { ...cors, ...tickets.headers });
  };
}

/** Whether a request may have tickets. The order is that of the reference: the first failure answers. */
async function examine(
  { request, transport, whence, address }: Visit,
  gate: PreauthGate,
): Promise<Granted | Refusal | { readonly preflight: Whence }> {
  const [host, ...hosts] = headerLines(request.rawHeaders, 'host');
  if (transport === 'clear') return { failure: failures.tlsRequired };
  if (!isHost(host) || hosts.length > 0 || !gate.hostAllowed(host))
    return { failure: failures.hostDenied };
  if (typeof whence === 'string') return { failure: originFailures[whence] };
  if (request.method === 'OPTIONS') return { preflight: whence };
  if (request.method !== 'POST') return { failure: failures.methodNotAllowed, headers: ALLOWED };
  if (!isFetchAllowed(request.headers, whence.isEmbedding ? 'preauthEmbed' : 'preauth'))
    return { failure: failures.fetchDenied };
  if (!isJson(request)) return { failure: failures.unsupportedMediaType };
  if (request.headers['x-postern-preauth'] !== '1') return { failure: failures.preflightRequired };
  if (!gate.rates.ofAddresses.take(addressBlock(address), gate.nowMs())) return TOO_OFTEN;

  const wish = await readPreauthBody(request);
  if ('failure' in wish) return wish;
  const misplaced = misplacedFor(wish, request, whence);
  if (misplaced !== undefined) return misplaced;

  const known = await gate.authenticate(request, wish.embed ? 'authorization' : 'any');
  if ('failure' in known) return known;
  const login = loginOf(known.claims, gate.options, gate.now());
  if ('failure' in login) return login;
  if (gate.isRevoked(known.claims)) return { failure: failures.revoked, claims: known.claims };
  if (!gate.rates.ofUsers.take(JSON.stringify([login.iss, login.sub]), gate.nowMs()))
    return { ...TOO_OFTEN, claims: known.claims };

  const left = narrowed(
    scopeRules(login.scopes, { sub: login.sub, patterns: gate.options.channelPatterns }),
    wish.channels ?? EVERYTHING,
  );
  if (left.isEmpty)
    return { failure: failures.forbidden, code: 'scope_denied', claims: known.claims };
  const cookieName = transport === 'loopback' ? DEV_COOKIE_NAME : COOKIE_NAME;
  return {
    login,
    wanted: wish.channels,
    session: wish.session,
    left,
    // What is no browser may name our own origin when it connects, as apps do that are written like pages.
    page: whence.origin ?? gate.ownOrigin ?? NO_PAGE,
    url: gate.socketUrl(request, transport),
    cookieName: wish.embed ? undefined : cookieName,
  };
}

/** No page's origin, ever: tickets that are made for it open nothing. */
const NO_PAGE = 'null';

const ALLOWED = { Allow: 'POST, OPTIONS' };

const TOO_OFTEN: Refusal = { failure: failures.rateLimited, headers: { 'Retry-After': '1' } };

/** A form can send other types without asking first, and none of a page's own headers. */
function isJson({ headers }: IncomingMessage): boolean {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  return type.trim().toLowerCase() === 'application/json';
}

/** What a page may not ask for, being where it is. That is known only once the body is read. */
function misplacedFor(
  { embed }: PreauthWish,
  { headers }: IncomingMessage,
  { origin, isAllowed, isEmbedding }: Whence,
): Refusal | undefined {
  const isPlaced = embed ? isEmbedding : isAllowed;
  if (!isPlaced)
    return { failure: originFailures[origin === undefined ? 'origin_missing' : 'origin_denied'] };
  const isExpected = isFetchAllowed(headers, embed ? 'preauthEmbed' : 'preauth');
  return isExpected ? undefined : { failure: failures.fetchDenied };
}

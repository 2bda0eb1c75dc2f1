import { streamAddress } from './address.ts';
import type { Addresses } from './address.ts';
import type { Answer } from './answer.ts';
import type { Credential, CredentialSource } from './credentials.ts';
import { errorOfProblem, PosternError, trouble } from './errors.ts';
import type { HttpAnswer, HttpRequest, SendRequest } from './http-request.ts';
import { SUBPROTOCOL } from './protocol/subprotocol.ts';
import { singleFlight } from './single-flight.ts';

/** What comes before the code in the `type` of a problem (RFC 9457). */
const PROBLEM = 'urn:postern:failure:';

/** Any name will do: what is asked about is the way in, and not the channel. */
const ANY_CHANNEL = 'postern';

/** How a page preauthenticates. */
export interface PreauthOptions {
  /** Of all that the login may do, the channels that this page wants. Default: all. */
  readonly channels?: readonly string[];
  /** The page is framed by other sites, where no cookie is kept: it gets a ticket that stands alone. Default false. */
  readonly embed?: boolean;
}

/** What preauthentication is built from. */
export interface PreauthParts {
  readonly addresses: Addresses;
  readonly options: PreauthOptions;
  readonly send: SendRequest;
  /** Gets the headers that say who the user is, where no cookie does. */
  readonly headers: (answer: Answer<Readonly<Record<string, string>>>) => void;
}

type Json = Readonly<Record<string, unknown>>;

/** Tickets, by the login of the site. Each opens one connection. */
export function preauthSource({
  addresses,
  options,
  send,
  headers,
}: PreauthParts): CredentialSource {
  const ask = (session: string | undefined, answer: Answer<Json>): void =>
    headers((own) => {
      if (own instanceof PosternError) return answer(own);
      const body = JSON.stringify({ channels: options.channels, embed: options.embed, session });
      const all: Record<string, string> = {
        'Content-Type': 'application/json',
        'X-Postern-Preauth': '1',
      };
      Object.keys(own).forEach((name) => (all[name] = own[name] ?? ''));
      const request = { method: 'POST', url: addresses.preauth, headers: all, body } as const;
      send({ ...request, omitsCookies: options.embed === true }, (got) => answer(read(got)));
    });

  let session = '';
  const renew = singleFlight<string>((answer) =>
    ask(session, (got) => answer(textOf(got, 'refreshToken'))),
  );
  return {
    get: singleFlight((answer) => ask(undefined, (got) => answer(credentialOf(got, addresses)))),
    renew: (of, answer) => {
      session = of;
      renew(answer);
    },
    // They last for less than a minute, and open one connection: none is ever used again.
    endsAt: () => undefined,
    whyRefused: (credential, answer) =>
      send(probe(credential, options.embed === true), (got) => answer(reasonIn(got))),
  };
}

/** What an answer says; `bad_answer` where no gateway can have said it. */
function read(got: HttpAnswer | undefined): Json | PosternError {
  if (got === undefined) return trouble('unreachable');
  const json = parse(got.text);
  if (got.status === 200 && json !== undefined) return json;
  return problemIn(got.status, json);
}

function credentialOf(got: Json | PosternError, { socket }: Addresses): Credential | PosternError {
  if (got instanceof PosternError) return got;
  const { csrfToken, embedToken, url } = got;
  const ticket =
    typeof csrfToken === 'string' ? `csrf.${csrfToken}` : `embed.${String(embedToken)}`;
  return {
    // The gateway knows best by which name it wants to be reached.
    url: typeof url === 'string' ? url : socket,
    // Not in the query: what stands there comes into logs.
    protocols: [SUBPROTOCOL, `postern.${ticket}`],
  };
}

function textOf(got: Json | PosternError, name: string): string | PosternError {
  if (got instanceof PosternError) return got;
  const text = got[name];
  return typeof text === 'string' ? text : trouble('bad_answer');
}

/** A stream of events is let in as a socket is, by the same guards, and its refusals can be read. */
function probe({ url, protocols }: Credential, omitsCookies: boolean): HttpRequest {
  const [, kind = '', token = ''] = /^postern\.(\w+)\.(.*)$/.exec(protocols[1] ?? '') ?? [];
  const query = `?channel=${ANY_CHANNEL}&${kind}=${encodeURIComponent(token)}`;
  return { method: 'GET', url: streamAddress(url) + query, headers: {}, omitsCookies };
}

/** Undefined: nothing was learned. */
function reasonIn(got: HttpAnswer | undefined): PosternError | undefined {
  if (got === undefined) return undefined;
  const problem = problemIn(got.status, parse(got.text));
  if (got.status === 200 || problem.code === 'scope_denied') return trouble('websocket_blocked');
  if (problem.code === 'bad_answer' || problem.code === 'origin_missing') return undefined;
  return problem.code === 'cookie_missing' ? trouble('cookie_blocked') : problem;
}

/** A problem (RFC 9457), of which nothing may be as it should. */
function problemIn(status: number, { type, title, retry }: Json = {}): PosternError {
  const code = String(type).split(PROBLEM)[1];
  return errorOfProblem({ status, code, title, retry });
}

function parse(text: string): Json | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // No JSON: a proxy's page, most likely.
    return undefined;
  }
}

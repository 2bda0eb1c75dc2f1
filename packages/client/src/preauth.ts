import { streamAddress } from './address.ts';
import type { Addresses } from './address.ts';
import type { Answer } from './answer.ts';
import type { Credential, CredentialSource } from './credentials.ts';
import { PosternError, trouble } from './errors.ts';
import type { HttpAnswer, SendRequest } from './http-request.ts';
import { parseObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { PROBLEM_TYPE } from './protocol/problem-type.ts';
import { SUBPROTOCOL } from './protocol/subprotocol.ts';
import { singleFlight } from './single-flight.ts';

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

/** Tickets, by the login of the site. Each opens one connection. */
export function preauthSource(parts: PreauthParts): CredentialSource {
  const { addresses, options, send, headers } = parts;
  const { channels, embed } = options;
  const omitsCookies = embed === true;
  let session: string | undefined;

  /** For `session`, once that is set. */
  const ask = (answer: Answer<JsonObject>, of?: string): void =>
    headers((own) => {
      if (own instanceof PosternError) return answer(own);
      const all: Record<string, string> = {
        'Content-Type': 'application/json',
        'X-Postern-Preauth': '1',
      };
      Object.keys(own).forEach((name) => (all[name] = own[name] ?? ''));
      const body = JSON.stringify({ channels, embed, session: of });
      const request = { method: 'POST', url: addresses.preauth, headers: all, body } as const;
      send({ ...request, omitsCookies }, (got) => answer(read(got)));
    });

  const renew = singleFlight<string>((answer) =>
    ask((got) => {
      if (got instanceof PosternError) answer(got);
      else answer(String(got['refreshToken']));
    }, session),
  );
  return {
    get: singleFlight((answer) =>
      ask((got) => answer(got instanceof PosternError ? got : credentialOf(got, addresses))),
    ),
    renew: (of, answer) => {
      session = of;
      renew(answer);
    },
    // They last for less than a minute, and open one connection: none is ever used again.
    endsAt: () => undefined,
    // A stream of events is let in as a socket is, by the same guards, and its refusals can be read. Any channel will do.
    whyRefused: ({ url, protocols }, answer) =>
      send(
        {
          method: 'GET',
          url: `${streamAddress(url)}?channel=postern&${String(protocols[1]).replace(/^postern\.(\w+)\./, '$1=')}`,
          headers: {},
          omitsCookies,
        },
        (got) => answer(reasonIn(got)),
      ),
  };
}

function credentialOf(
  { csrfToken, embedToken, url }: JsonObject,
  { socket }: Addresses,
): Credential {
  const ticket =
    csrfToken === undefined ? `embed.${String(embedToken)}` : `csrf.${String(csrfToken)}`;
  return {
    // The gateway knows best by which name it wants to be reached.
    url: typeof url === 'string' ? url : socket,
    // Not in the query: what stands there comes into logs.
    protocols: [SUBPROTOCOL, `postern.${ticket}`],
  };
}

/** What an answer says, or why it is none. */
function read(got: HttpAnswer | undefined): JsonObject | PosternError {
  const status = got?.status;
  const json = parseObject(got?.text) ?? {};
  if (status === undefined) return trouble('unreachable');
  if (status === 200 && json['url'] !== undefined) return json;
  const code = String(json['type']).split(PROBLEM_TYPE)[1];
  if (code === undefined) return trouble('bad_answer', { status });
  return new PosternError(code, String(json['title']), json['retry'] === 'yes' ? 'yes' : 'no', {
    status,
  });
}

/** Undefined: the cookie did not arrive, or nothing was learned. */
function reasonIn(got: HttpAnswer | undefined): PosternError | undefined {
  const told = read(got);
  if (!(told instanceof PosternError) || told.status === 200 || told.code === 'scope_denied')
    return trouble('websocket_blocked');
  return /^(bad_answer|(cookie|origin)_missing)$/.test(told.code) ? undefined : told;
}

/** How a page preauthenticates. */
export interface Asking {
  readonly url: string;
  /** None by default: the site's cookie is to do. */
  readonly bearer?: string;
  readonly embed?: boolean;
  /** The session that is to go on. */
  readonly session?: unknown;
}

/** What it was told; `error` is what a page sees of an answer that it may not read. */
export type Told = Readonly<Record<string, unknown>>;

/** Runs in a page: preauthenticates by `fetch`, for an embed token without credentials. */
export async function preauthByFetch({
  url,
  bearer,
  embed = false,
  session,
}: Asking): Promise<Told> {
  try {
    const answer = await fetch(`${url}/preauth`, {
      method: 'POST',
      credentials: embed ? 'omit' : 'include',
      headers: {
        'Content-Type': 'application/json',
        'X-Postern-Preauth': '1',
        ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
      },
      body: JSON.stringify({ embed, session }),
    });
    return { status: answer.status, ...(await answer.json()) };
  } catch (error) {
    return { error: String(error) };
  }
}

/** Runs in a page: the same by what older browsers have. */
export function preauthByXhr({ url, bearer = '' }: Asking): Promise<Told> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', `${url}/preauth`);
    request.withCredentials = true;
    request.setRequestHeader('Content-Type', 'application/json');
    request.setRequestHeader('X-Postern-Preauth', '1');
    request.setRequestHeader('Authorization', `Bearer ${bearer}`);
    request.addEventListener('load', () =>
      resolve({ status: request.status, ...JSON.parse(request.responseText) }),
    );
    request.addEventListener('error', () => resolve({ error: 'unreadable' }));
    request.send();
  });
}

/** Runs in a page: connects, and tells the user of the welcome, or the code of the close. */
export function connect({
  url,
  protocols = ['postern.v1'],
}: {
  readonly url: string;
  readonly protocols?: readonly string[];
}): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, [...protocols]);
    socket.addEventListener('message', ({ data }) => {
      resolve(JSON.parse(String(data)).user);
      socket.close();
    });
    socket.addEventListener('close', ({ code }) => resolve(code));
  });
}

/** Runs in a page: connects, stays, and tells of the welcome, or the code of the close. */
export function stay({ url }: { readonly url: string }): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, 'postern.v1');
    Reflect.set(globalThis, 'socket', socket);
    socket.addEventListener('message', ({ data }) => resolve(JSON.parse(String(data))));
    socket.addEventListener('close', ({ code }) => resolve(code));
  });
}

/** Runs in a page that stays: shows a token, and tells of the reply, or the code of the close. */
export function show(token: unknown): Promise<unknown> {
  return new Promise((resolve) => {
    const socket: WebSocket = Reflect.get(globalThis, 'socket');
    socket.addEventListener('message', ({ data }) => resolve(JSON.parse(String(data))));
    socket.addEventListener('close', ({ code }) => resolve(code));
    socket.send(JSON.stringify({ type: 'auth', id: 1, token }));
  });
}

/** What became of an EventSource: the events that came, and what it does now. */
export interface Streamed {
  /** The type, the data and the `lastEventId` of each. */
  readonly events: readonly (readonly [type: string, data: string, lastEventId: string])[];
  /** How often it said `error`. */
  readonly errors: number;
  /** 0: comes back by itself; 1: is open; 2: has given up. */
  readonly readyState: number;
}

/** Runs in a page: listens to a stream by EventSource. What comes is asked for by {@link streamed}. */
export function listen({
  url,
  types,
}: {
  readonly url: string;
  readonly types: readonly string[];
}): void {
  const source = new EventSource(url, { withCredentials: true });
  const events: [string, string, string][] = [];
  const state = { source, events, errors: 0 };
  for (const type of types)
    source.addEventListener(type, (event: MessageEvent) =>
      events.push([type, String(event.data), event.lastEventId]),
    );
  source.addEventListener('error', () => (state.errors += 1));
  Reflect.set(globalThis, 'stream', state);
}

/** Runs in a page that listens. */
export function streamed(): Streamed {
  const { source, events, errors } = Reflect.get(globalThis, 'stream');
  return { events, errors, readyState: source.readyState };
}

/** Runs in a page that listens: closes its stream. */
export function hangUp(): void {
  Reflect.get(globalThis, 'stream').source.close();
}

/** Runs in a page that has `follow` of the documentation: follows two channels, by one token after the other. */
export function startFollowing({
  url,
  bearers,
}: {
  readonly url: string;
  readonly bearers: readonly string[];
}): void {
  let asked = -1;
  const told: unknown[] = [];
  const preauth = async (): Promise<unknown> => {
    asked = Math.min(asked + 1, bearers.length - 1);
    const answer = await fetch(`${url}/preauth`, {
      method: 'POST',
      credentials: 'include',
      headers: {
        'Content-Type': 'application/json',
        'X-Postern-Preauth': '1',
        Authorization: `Bearer ${bearers[asked]}`,
      },
    });
    return answer.json();
  };
  Reflect.set(globalThis, 'told', told);
  const tell = (message: unknown): void => void told.push(message);
  Reflect.get(globalThis, 'follow')(['chat', 'room:1'], preauth, tell);
}

/** Runs in a page that follows: everything that it was told. */
export function followed(): readonly Record<string, unknown>[] {
  return Reflect.get(globalThis, 'told');
}

/** Runs in a page: the status of an answer, or what a page sees of one that it may not read. */
export async function statusOf({
  url,
  bearer,
}: {
  readonly url: string;
  readonly bearer?: string;
}): Promise<unknown> {
  try {
    const headers: Record<string, string> = {};
    if (bearer !== undefined) headers['Authorization'] = `Bearer ${bearer}`;
    const answer = await fetch(url, { credentials: 'include', headers });
    const type = answer.headers.get('content-type');
    if (answer.status !== 200) return [answer.status, (await answer.json()).type];
    const reader = answer.body?.getReader();
    const first = await reader?.read();
    await reader?.cancel();
    return [200, type, new TextDecoder().decode(first?.value).includes('event: welcome')];
  } catch (error) {
    return String(error);
  }
}

/** Where a page connects to by what it was told. */
export const socketOf = ({ url, csrfToken }: Told): { readonly url: string } => ({
  url: `${String(url)}?csrf=${String(csrfToken)}`,
});

/** Runs in a page: the Cookie line that the browser sends to its server. */
export async function readCookies(): Promise<string> {
  return (await fetch('/cookies', { cache: 'no-store' })).text();
}

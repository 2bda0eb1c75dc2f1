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

/** Where a page connects to by what it was told. */
export const socketOf = ({ url, csrfToken }: Told): { readonly url: string } => ({
  url: `${String(url)}?csrf=${String(csrfToken)}`,
});

/** Runs in a page: the Cookie line that the browser sends to its server. */
export async function readCookies(): Promise<string> {
  return (await fetch('/cookies', { cache: 'no-store' })).text();
}

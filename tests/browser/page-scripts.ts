/** How a page preauthenticates. */
export interface Asking {
  readonly url: string;
  /** None by default: the site's cookie is to do. */
  readonly bearer?: string;
  readonly embed?: boolean;
}

/** What it was told; `error` is what a page sees of an answer that it may not read. */
export type Told = Readonly<Record<string, unknown>>;

/** Runs in a page: preauthenticates by `fetch`, for an embed token without credentials. */
export async function preauthByFetch({ url, bearer, embed = false }: Asking): Promise<Told> {
  try {
    const answer = await fetch(`${url}/preauth`, {
      method: 'POST',
      credentials: embed ? 'omit' : 'include',
      headers: {
        'Content-Type': 'application/json',
        'X-Postern-Preauth': '1',
        ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
      },
      body: JSON.stringify({ embed }),
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

/** Where a page connects to by what it was told. */
export const socketOf = ({ url, csrfToken }: Told): { readonly url: string } => ({
  url: `${String(url)}?csrf=${String(csrfToken)}`,
});

/** Runs in a page: the Cookie line that the browser sends to its server. */
export async function readCookies(): Promise<string> {
  return (await fetch('/cookies', { cache: 'no-store' })).text();
}

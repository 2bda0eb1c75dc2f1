/** Where a gateway is asked for what. */
export interface Addresses {
  /** For WebSockets. */
  readonly socket: string;
  /** For preauthentication. */
  readonly preauth: string;
}

/**
 * From the address of a gateway, with the path below which it lies, if any: `https://rt.example.com`,
 * `wss://rt.example.com/ws`, or `/postern` on the origin of the page. A final `/ws` says nothing.
 *
 * @throws TypeError when it names no gateway, or a path where there is no page.
 */
export function addressesOf(url: string): Addresses {
  const base = absolute(url)
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '')
    .replace(/\/ws$/, '');
  const parts = /^(?:http|ws)(s?):\/\/(.+)$/i.exec(base);
  if (parts === null)
    throw new TypeError(
      'The url of a client is http, https, ws or wss, or a path of the page’s origin',
    );
  const [, s = '', rest = ''] = parts;
  return { socket: `ws${s}://${rest}/ws`, preauth: `http${s}://${rest}/preauth` };
}

/** Where a stream of events is, given where the WebSocket is. */
export function streamAddress(socket: string): string {
  return socket.replace(/^ws/, 'http').replace(/ws$/, 'sse');
}

function absolute(url: string): string {
  if (/^\/\//.test(url)) return `${page().protocol}${url}`;
  if (/^\//.test(url)) return `${page().protocol}//${page().host}${url}`;
  return url;
}

function page(): { readonly protocol: string; readonly host: string } {
  if (typeof location === 'object' && /^http/.test(location.protocol)) return location;
  throw new TypeError('The url of a client is a path, and there is no page that it could be of');
}

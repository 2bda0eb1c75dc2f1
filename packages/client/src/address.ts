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
  const page = typeof location === 'undefined' ? '' : `${location.protocol}//${location.host}`;
  const whole = url.charAt(0) === '/' ? page + url : url;
  const rest = /^(?:http|ws)(s?:\/\/[^?#]+?)(?:\/ws)?\/*$/.exec(whole)?.[1];
  if (rest === undefined) throw new TypeError('The url is http(s), ws(s) or a path');
  return { socket: `ws${rest}/ws`, preauth: `http${rest}/preauth` };
}

/** Where a stream of events is, given where the WebSocket is. */
export function streamAddress(socket: string): string {
  return socket.replace(/^ws/, 'http').replace(/ws$/, 'sse');
}

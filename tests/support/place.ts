/** Where a server is. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** What clients write into `Host`. */
  readonly authority: string;
  readonly isSecure: boolean;
}

/** A port of this computer, or a place. */
export type PortOrPlace = number | Place;

/** The place that a port of 127.0.0.1 is. */
export function placeOf(place: PortOrPlace): Place {
  if (typeof place !== 'number') return place;
  return { host: '127.0.0.1', port: place, authority: `127.0.0.1:${place}`, isSecure: false };
}

/** The place that a URL leads to: `ws:` or `wss:`, `http:` or `https:`. */
export function placeIn({ protocol, hostname, port, host }: URL): Place {
  const isSecure = protocol === 'wss:' || protocol === 'https:';
  return {
    // An address of IPv6 stands in brackets.
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    authority: host,
    isSecure,
  };
}

import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

import type { Scope } from './postgres.ts';

/**
 * What becomes of bytes in one direction. `pass`: they go on. `stall`: they are no longer read, so that
 * the sender's buffers fill. `swallow`: they are read and lost, as by a network that is cut in two: the
 * sender is told nothing, and nothing comes back. A number: so many bytes a second go on.
 */
export type Flow = 'pass' | 'stall' | 'swallow' | number;

/** The two directions of a connection: `up` leads to the server. */
export interface Flows {
  readonly up: Flow;
  readonly down: Flow;
}

type Side = 'client' | 'server';

/** A cable between clients and a server that can be tampered with while it is in use. */
export interface TcpProxy {
  readonly port: number;
  /** Connections of which at least one side is open. */
  readonly connections: number;
  /** From now on, on all connections and on those to come; a direction left out stays as it is. */
  set(flows: Partial<Flows>): void;
  /** As `set`, but only for connections that are opened from now on. */
  setNew(flows: Partial<Flows>): void;
  /** Resets every connection: both ends are told, with RST; whoever reads fast sees a FIN before it. */
  cut(): void;
  /** Ends what one side is told (FIN); the other direction stays open. */
  halfClose(side: Side): void;
  /** As `cut`, on each connection, once so many more bytes have gone that way. */
  cutAfter(direction: keyof Flows, bytes: number): void;
}

/** How a proxy is made. */
export interface TcpProxyOptions {
  readonly port: number;
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** Changes what comes down, for each connection anew; nothing by default. */
  readonly rewriteDown?: () => (data: Buffer) => Buffer;
}

/** Puts a proxy before a port. It is gone, with its connections, at the end of the scope. */
export async function tcpProxy(scope: Scope, options: TcpProxyOptions): Promise<TcpProxy> {
  const links = new Set<Link>();
  let flows: Flows = { up: 'pass', down: 'pass' };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({
      port: options.port,
      host: options.host ?? '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    });
    const forget = (): void => {
      if (client.closed && upstream.closed) links.delete(link);
    };
    const link = new Link(client, upstream, options.rewriteDown?.());
    link.set(flows);
    links.add(link);
    for (const socket of [client, upstream]) socket.once('close', forget);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    for (const link of links) link.destroy();
    server.close();
    await once(server, 'close');
  });
  return {
    port: portOf(server.address()),
    get connections() {
      return links.size;
    },
    set: (changes) => {
      flows = { ...flows, ...changes };
      for (const link of links) link.set(changes);
    },
    setNew: (changes) => {
      flows = { ...flows, ...changes };
    },
    cut: () => {
      for (const link of links) link.cut();
    },
    halfClose: (side) => {
      for (const link of links) link.halfClose(side);
    },
    cutAfter: (direction, bytes) => {
      for (const link of links) link.cutAfter(direction, bytes);
    },
  };
}

/** The database by way of a proxy. Without TLS, as the proxy may read along. */
export function urlThrough(proxy: TcpProxy, databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  url.searchParams.set('sslmode', 'disable');
  return url.href;
}

/** One client's connection and the one it leads to. */
class Link {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #up: Stretch;
  readonly #down: Stretch;
  #wasReset = false;

  constructor(client: Socket, upstream: Socket, rewrite: (data: Buffer) => Buffer = (it) => it) {
    this.#client = client;
    this.#upstream = upstream;
    this.#up = new Stretch(client, upstream, (data) => data);
    this.#down = new Stretch(upstream, client, rewrite);
    for (const socket of [client, upstream]) {
      socket.on('error', () => (this.#wasReset = true));
      socket.on('close', () => this.#closed());
    }
  }

  set({ up, down }: Partial<Flows>): void {
    if (up !== undefined) this.#up.set(up);
    if (down !== undefined) this.#down.set(down);
    // An end that nobody was told of meanwhile is told now.
    if (this.#client.destroyed || this.#upstream.destroyed) this.#closed();
  }

  cut(): void {
    for (const socket of [this.#client, this.#upstream]) socket.resetAndDestroy();
  }

  cutAfter(direction: keyof Flows, bytes: number): void {
    const stretch = direction === 'up' ? this.#up : this.#down;
    stretch.endAfter(bytes, () => this.cut());
  }

  halfClose(side: Side): void {
    (side === 'client' ? this.#client : this.#upstream).end();
  }

  destroy(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  /** The end of one side is the end of the other, unless nothing gets through that would say so. */
  #closed(): void {
    if (!this.#up.tells || !this.#down.tells) return;
    if (this.#wasReset) this.cut();
    else this.destroy();
  }
}

/** One direction of one connection. */
class Stretch {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #rewrite: (data: Buffer) => Buffer;
  #flow: Flow = 'pass';
  /** What a slow link has read and not passed on. */
  #held: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  #owesEnd = false;
  #leftBytes = Infinity;
  #atEnd: () => void = () => {};

  constructor(from: Socket, to: Socket, rewrite: (data: Buffer) => Buffer) {
    this.#from = from;
    this.#to = to;
    this.#rewrite = rewrite;
    from.on('data', (data) => this.#take(data));
    from.on('end', () => {
      if (this.tells) to.end();
      else this.#owesEnd = true;
    });
    to.on('drain', () => this.set(this.#flow));
    from.once('close', () => clearTimeout(this.#timer));
  }

  /** Whether the far end would be told of an end. */
  get tells(): boolean {
    return this.#flow === 'pass' || typeof this.#flow === 'number';
  }

  set(flow: Flow): void {
    this.#flow = flow;
    if (flow !== 'pass' && flow !== 'swallow') {
      this.#from.pause();
      if (flow !== 'stall') this.#trickle();
      return;
    }
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    if (flow === 'pass' && held.length > 0) this.#to.write(held);
    if (flow === 'pass' && this.#owesEnd) this.#to.end();
    this.#from.resume();
  }

  endAfter(bytes: number, atEnd: () => void): void {
    this.#leftBytes = bytes;
    this.#atEnd = atEnd;
  }

  #take(data: Buffer): void {
    if (this.#flow === 'swallow') return;
    const kept = this.#rewrite(data);
    if (kept.length >= this.#leftBytes) {
      this.#to.write(kept.subarray(0, this.#leftBytes), () => this.#atEnd());
      this.#leftBytes = Infinity;
      this.#flow = 'swallow';
      return;
    }
    this.#leftBytes -= kept.length;
    if (this.#flow !== 'pass') {
      this.#held = Buffer.concat([this.#held, kept]);
      this.set(this.#flow);
    } else if (!this.#to.write(kept)) this.#from.pause();
  }

  /** Passes on a tenth of a second's worth, and reads on when nothing is held any more. */
  #trickle(): void {
    if (this.#timer !== undefined || typeof this.#flow !== 'number') return;
    if (this.#held.length === 0) {
      this.#from.resume();
      return;
    }
    const share = Math.max(1, Math.round(this.#flow / 10));
    this.#to.write(this.#held.subarray(0, share));
    this.#held = this.#held.subarray(share);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#trickle();
    }, 100);
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port');
  return address.port;
}

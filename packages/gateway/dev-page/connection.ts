/** What a connection tells whoever opened it. */
export interface ConnectionEvents {
  readonly onOpen: () => void;
  readonly onMessage: (text: string) => void;
  /** `wasOpen` false: the handshake was refused, and browsers hide its answer behind code 1006. */
  readonly onClose: (closed: {
    readonly code: number;
    readonly reason: string;
    readonly wasOpen: boolean;
  }) => void;
}

/** One WebSocket in the raw protocol. */
export interface Connection {
  /** Returns false when the connection is not open: nothing was sent. */
  readonly send: (text: string) => boolean;
  /** Closes with 1000; `onClose` follows once the gateway has answered. */
  readonly close: () => void;
  /** Closes, and nothing of it is told any more. */
  readonly abandon: () => void;
}

/** Opens `/<channel>/<token>` on the host that served this page. */
export function connect(channel: string, token: string, events: ConnectionEvents): Connection {
  const socket = new WebSocket(rawAddress(channel, token));
  const listening = new AbortController();
  const { signal } = listening;
  let wasOpen = false;

  const on = socket.addEventListener.bind(socket);
  on(
    'open',
    () => {
      wasOpen = true;
      events.onOpen();
    },
    { signal },
  );
  on('message', ({ data }) => events.onMessage(String(data)), { signal });
  on('close', ({ code, reason }) => events.onClose({ code, reason, wasOpen }), { signal });

  return {
    send: (text) => {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(text);
      return true;
    },
    close: () => socket.close(1000),
    abandon: () => {
      listening.abort();
      socket.close(1000);
    },
  };
}

function rawAddress(channel: string, token: string): string {
  const address = new URL(`/${encodeURIComponent(channel)}/${token}`, location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return address.href;
}

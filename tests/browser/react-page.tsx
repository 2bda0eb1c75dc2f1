/** A page whose test decides what it shows, and that tells what it did: it is bundled, and runs in Chromium. */
import { createClient } from '@postern/client';
import { PosternProvider, useChannel, useConnection } from '@postern/client/react';
import type { FollowedChannel } from '@postern/client/react';
import { startTransition, StrictMode, useLayoutEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

/** What the page shows. */
export interface Shown {
  /** The channel of all lists; undefined: none. */
  readonly name: string | undefined;
  /** How many lists there are, each slow to render but the first. */
  readonly lists: number;
  readonly limit: number;
  /** Lists at another place are others, which come as those leave. */
  readonly place: string;
  /** What the functions of this render write down their calls by. */
  readonly mark: string;
  /** Whether the first list has a function for gaps. */
  readonly mindsGaps: boolean;
}

/** What has happened in the page. */
export interface PageRecord {
  /** Sockets that were opened. */
  readonly sockets: string[];
  /** Commands that were sent, but for their ids, and what came: `> subscribe chat`, `< message chat`. */
  readonly wire: string[];
  /** Each state that was rendered. */
  readonly states: string[];
  /** What the functions of the first list were told, with the mark of their render. */
  readonly told: string[];
  /** Gaps that came to the client's own function. */
  readonly gapsOfClient: string[];
  /** Commits after which lists differed: there must be none. */
  readonly torn: (readonly string[])[];
  /** How often the lists were compared, all of them. */
  compared: number;
  /** How many messages the slow lists had at each of their renders, shown or not. */
  readonly seen: number[];
}

/** What the test calls. */
export interface PageHandle {
  readonly record: PageRecord;
  /** Forgets what has happened so far. */
  readonly forget: () => void;
  readonly show: (change: Partial<Shown>) => void;
  /** The same as a transition, in the course of which many messages are published. */
  readonly showSlowly: (change: Partial<Shown>, messages: number) => Promise<void>;
  readonly connect: () => void;
  readonly unmount: () => void;
  /** As the first list was rendered last. */
  readonly channel: () => FollowedChannel<number> | undefined;
}

const record: PageRecord = {
  sockets: [],
  wire: [],
  states: [],
  told: [],
  gapsOfClient: [],
  torn: [],
  compared: 0,
  seen: [],
};

class OverheardSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    record.sockets.push(url);
    this.addEventListener('message', ({ data }) => record.wire.push(`< ${inShort(String(data))}`));
  }

  override send(text: string): void {
    record.wire.push(`> ${inShort(text)}`);
    super.send(text);
  }
}

function inShort(text: string): string {
  const { type, channel = '' } = JSON.parse(text);
  return `${type} ${channel}`.trim();
}

function keepBusy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const client = createClient({
  url: '/postern',
  preauth: true,
  WebSocket: OverheardSocket,
  backoff: { baseMs: 50, capMs: 100 },
  onGap: ({ reason }) => void record.gapsOfClient.push(reason),
});
let channel: FollowedChannel<number> | undefined;
let setShown: (next: (shown: Shown) => Shown) => void = () => undefined;

/** Compares what is on the page, in the same turn in which it came there. */
function useComparison(lists: number): void {
  useLayoutEffect(() => {
    const texts = [...document.querySelectorAll('[data-list]')].map(
      ({ textContent }) => textContent,
    );
    if (texts.length === lists) record.compared += 1;
    if (new Set(texts).size > 1) record.torn.push(texts);
  });
}

function text({ messages, gaps, error, isLive }: FollowedChannel<number>): string {
  const payloads = messages.map(({ payload }) => payload).join(' ');
  return [payloads, `gaps: ${gaps}`, error?.code ?? (isLive ? 'live' : 'off')].join(' | ');
}

function FirstList({ name, lists, limit, mark, mindsGaps }: Shown) {
  const tell = (what: string): void => void record.told.push(`${mark}: ${what}`);
  const followed = useChannel<number>(name, {
    limit,
    onMessage: ({ payload }) => tell(String(payload)),
    onSubscribed: ({ recovered }) => tell(`subscribed, ${recovered}`),
    ...(mindsGaps && { onGap: ({ reason }) => tell(`gap, ${reason}`) }),
  });
  useLayoutEffect(() => {
    channel = followed;
  });
  useComparison(lists);
  return <p data-list>{text(followed)}</p>;
}

function SlowList({ name, lists, limit }: Shown) {
  const followed = useChannel<number>(name, { limit });
  record.seen.push(followed.messages.length);
  keepBusy(8);
  useComparison(lists);
  // What comes meanwhile waits between the commit and the effects that follow it.
  useLayoutEffect(() => keepBusy(5), []);
  return <p data-list>{text(followed)}</p>;
}

function Connection() {
  const { name } = useConnection();
  useLayoutEffect(() => {
    if (record.states.at(-1) !== name) record.states.push(name);
  }, [name]);
  return <p id="state">{name}</p>;
}

function App() {
  const [shown, set] = useState<Shown>({
    // Each page has a channel of its own.
    name: `room:${location.pathname}`,
    lists: 2,
    limit: 100,
    place: 'here',
    mark: 'first',
    mindsGaps: true,
  });
  setShown = set;
  const slow = Array.from({ length: Math.max(0, shown.lists - 1) }, (_, n) => n);
  return (
    <PosternProvider client={client}>
      <Connection />
      {shown.lists > 0 && <FirstList key={shown.place} {...shown} />}
      {slow.map((n) => (
        <SlowList key={`${shown.place} ${n}`} {...shown} />
      ))}
    </PosternProvider>
  );
}

const root = createRoot(document.body.appendChild(document.createElement('main')));
root.render(
  <StrictMode>
    <App />
  </StrictMode>,
);

const handle: PageHandle = {
  record,
  forget: () => {
    for (const list of Object.values(record)) if (Array.isArray(list)) list.length = 0;
    record.compared = 0;
  },
  show: (change) => setShown((shown) => ({ ...shown, ...change })),
  showSlowly: async (change, messages) => {
    const { publish } = channel ?? {};
    startTransition(() => setShown((shown) => ({ ...shown, ...change })));
    for (let n = 0; n < messages; n += 1) await publish?.(n);
  },
  connect: () => client.connect(),
  unmount: () => root.unmount(),
  channel: () => channel,
};
Reflect.set(globalThis, 'handleOf', () => handle);

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { eventStream } from '#client/sse.js';

type Said = Readonly<Record<string, unknown>>;

/** A gateway that says what the test says, byte by byte, and keeps what it was asked for. */
class Gateway {
  readonly targets: URL[] = [];
  /** What refuses the next requests, if it is set: a code of the failure table; for a channel alone, if it is one of these. */
  refusal: (channels: readonly string[]) => string | undefined = () => undefined;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;

  readonly fetch: typeof fetch = (target, init) => {
    const url = new URL(String(target));
    this.targets.push(url);
    const code = this.refusal(url.searchParams.getAll('channel'));
    if (code === 'unreachable') return Promise.reject(new TypeError(code));
    if (code !== undefined) {
      const title = { scope_denied: 'Forbidden', csrf_expired: 'JWT expired' }[code];
      const problem = { type: `urn:postern:failure:${code}`, title };
      return Promise.resolve(Response.json(problem, { status: 403 }));
    }
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
        init?.signal?.addEventListener('abort', () => controller.error(new Error('Aborted')));
      },
    });
    const headers = { 'Content-Type': 'text/event-stream' };
    return Promise.resolve(new Response(body, { headers }));
  };

  /** The query of each request, in short. */
  get asked(): readonly string[] {
    return this.targets.map(({ search }) => decodeURIComponent(search).replace(/&?(csrf)=\w+/, ''));
  }

  send(bytes: string | Uint8Array): void {
    this.#stream?.enqueue(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes);
  }

  say(message: Said, id?: string): void {
    const event = `event: ${String(message['type'])}\ndata: ${JSON.stringify(message)}\n\n`;
    this.send(id === undefined ? event : `id: ${id}\n${event}`);
  }

  welcome(id: string): void {
    this.say({ type: 'welcome', session: id, channels: {}, pingSeconds: 15, serverTime: 0 }, id);
  }

  message(channel: string, cursor: string): void {
    this.say({ type: 'message', channel, payload: cursor, cursor }, cursor);
  }
}

/** A page that is connected by a ticket. */
function connect(Socket: ReturnType<typeof eventStream>) {
  const socket = new Socket('wss://rt.test/base/ws', ['postern.v1', 'postern.csrf.abc']);
  const told: Said[] = [];
  const events: string[] = [];
  let onMessage: (message: Said) => void = () => {};
  socket.onopen = () => void events.push('open');
  socket.onclose = ({ code }: { readonly code: number }) => void events.push(`close ${code}`);
  socket.onmessage = ({ data }: { readonly data: string }) => {
    const message: Said = JSON.parse(data);
    told.push(message);
    onMessage(message);
  };
  let id = 0;
  return {
    told,
    events,
    close: () => socket.close(),
    hear: (listener: typeof onMessage) => (onMessage = listener),
    say: (type: string, members: Said = {}) =>
      socket.send(JSON.stringify({ type, id: (id += 1), ...members })),
    types: () => told.map(({ type }) => type),
  };
}

/** What is under way is done then: promises, and a timer or two. */
async function settled(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setTimeout(resolve));
    await turn();
  }
}

/** A page that is subscribed to these, and its gateway. */
async function subscribed(t: TestContext, ...channels: readonly string[]) {
  const gateway = new Gateway();
  const Socket = eventStream({ fetch: gateway.fetch });
  const page = connect(Socket);
  t.after(() => page.close());
  await settled();
  for (const channel of channels) page.say('subscribe', { channel });
  await settled();
  gateway.welcome('e.0');
  await settled();
  return { gateway, Socket, page };
}

describe('eventStream', () => {
  it('asks by http where the WebSocket would be, and once for what is said in one turn', async (t) => {
    const { gateway, page } = await subscribed(t, 'a', 'b');
    assert.deepEqual(
      gateway.targets.map(({ href }) => href),
      ['https://rt.test/base/sse?channel=a&channel=b&csrf=abc'],
    );
    assert.deepEqual(page.events, ['open']);
    assert.deepEqual(page.types(), ['welcome', 'welcome', 'ok', 'ok']);
  });

  it('puts characters together that come in pieces, and hands messages on to the byte', async (t) => {
    const { gateway, page } = await subscribed(t, 'a');
    const bytes = new TextEncoder().encode(
      'data: {"type":"message","channel":"a","payload":"é😀"}\n\n',
    );
    for (const byte of bytes) gateway.send(Uint8Array.of(byte));
    await settled();
    assert.deepEqual(page.told.at(-1), { type: 'message', channel: 'a', payload: 'é😀' });
  });

  it('answers a ping as long as something comes, and not when nothing has for two comments', async (t) => {
    const { gateway, page } = await subscribed(t, 'a');
    const startMs = performance.now();
    let passedMs = 0;
    t.mock.method(performance, 'now', () => startMs + passedMs);
    gateway.send(':\n\n');
    await settled();
    passedMs = 29_000;
    page.say('ping');
    assert.equal(page.types().at(-1), 'pong');
    passedMs = 31_000;
    page.say('ping');
    assert.equal(page.types().filter((type) => type === 'pong').length, 1);
    gateway.send(':\n\n');
    await settled();
    page.say('ping');
    assert.equal(page.types().filter((type) => type === 'pong').length, 2);
  });

  it('is over when the gateway says so, and when what comes is no JSON', async (t) => {
    for (const [last, code] of [
      ['data: <\n\n', 1006],
      [{ type: 'closed', code: 4009, reason: 'Disconnected' }, 4009],
      [{ type: 'expired', code: 3001, reason: 'JWT expired' }, 3001],
    ] as const) {
      const { gateway, page } = await subscribed(t, 'a');
      if (typeof last === 'string') gateway.send(last);
      else gateway.say(last);
      gateway.message('a', 'e.1');
      await settled();
      assert.deepEqual(page.events, ['open', `close ${code}`]);
      assert.ok(!page.types().includes('message'));
    }
  });

  it('closes once, calls back later as a socket does, and says nothing more', async (t) => {
    const { gateway, page } = await subscribed(t, 'a');
    page.close();
    page.close();
    assert.deepEqual(page.events, ['open']);
    page.say('ping');
    await settled();
    assert.throws(() => gateway.message('a', 'e.1'), /closed/);
    assert.deepEqual(page.events, ['open', 'close 1000']);
    assert.equal(page.types().at(-1), 'ok');
  });

  it('does not count a message as told to a client that leaves when it is answered', async (t) => {
    const { gateway, Socket, page } = await subscribed(t, 'a');
    page.close();
    const next = connect(Socket);
    await settled();
    gateway.welcome('e.0');
    next.hear(({ type }) => {
      if (type === 'welcome') next.say('subscribe', { channel: 'a', from: 'e.0' });
      if (type === 'ok') next.close();
    });
    await settled();
    gateway.message('a', 'e.1');
    await settled();
    assert.deepEqual(next.types(), ['welcome', 'ok']);
    const last = connect(Socket);
    t.after(() => last.close());
    await settled();
    assert.deepEqual(gateway.asked, ['?channel=a', '?channel=a&from=e.0', '?channel=a&from=e.0']);
  });

  it('answers each command once, whatever a client says when it is answered', async (t) => {
    const { gateway, page } = await subscribed(t, 'a');
    page.hear(({ type, id }) => {
      if (type === 'ok' && id === 2) page.say('unsubscribe', { channel: 'b' });
    });
    page.say('subscribe', { channel: 'a' });
    await settled();
    assert.deepEqual(
      page.told.filter(({ id }) => id !== undefined).map(({ id }) => id),
      [1, 2, 3],
    );
    const { gateway: other, page: both } = await subscribed(t);
    both.say('subscribe', { channel: 'a' });
    both.say('subscribe', { channel: 'b' });
    both.hear(({ type, id }) => {
      if (type === 'ok' && id === 1) both.say('unsubscribe', { channel: 'b' });
    });
    await settled();
    other.welcome('e.0');
    await settled();
    assert.deepEqual(
      both.told.filter(({ type }) => type === 'ok').map(({ id }) => id),
      [1, 2, 3],
    );
    other.message('b', 'e.1');
    await settled();
    assert.ok(!both.types().includes('message'));
    assert.equal(gateway.targets.length, 1);
  });

  it('welcomes a client that was let in before only by a stream, and else says why there is none', async (t) => {
    const { gateway, Socket, page } = await subscribed(t, 'a');
    page.close();
    for (const [code, events] of [
      ['unreachable', ['close 1006']],
      ['csrf_expired', ['open', 'close 3001']],
    ] as const) {
      gateway.refusal = () => code;
      const next = connect(Socket);
      await settled();
      assert.deepEqual([next.events, next.told], [events, []]);
    }
    // That is no more than what the client had wanted.
    gateway.refusal = () => 'scope_denied';
    const last = connect(Socket);
    t.after(() => last.close());
    await settled();
    assert.deepEqual([last.events, last.types()], [['open'], ['welcome']]);
  });

  it('finds out which channel is refused, without asking for those that it knows', async (t) => {
    const { gateway, Socket, page } = await subscribed(t, 'a', 'b');
    page.close();
    gateway.refusal = (channels) => (channels.includes('d') ? 'scope_denied' : undefined);
    const next = connect(Socket);
    t.after(() => next.close());
    await settled();
    gateway.welcome('e.1');
    await settled();
    for (const channel of ['a', 'b', 'c', 'd']) next.say('subscribe', { channel });
    await settled();
    // One more ticket is needed for each stream.
    assert.deepEqual(next.events, ['open', 'close 3001']);
    const last = connect(Socket);
    t.after(() => last.close());
    last.hear(({ type }) => {
      if (type === 'welcome' && last.told.length === 1)
        for (const channel of ['a', 'b', 'c', 'd']) last.say('subscribe', { channel });
    });
    await settled();
    assert.deepEqual(gateway.asked.slice(2), [
      '?channel=a&channel=b&channel=c&channel=d',
      '?channel=a&channel=b&channel=c&channel=d',
      '?channel=c',
      '?channel=d',
      '?channel=a&channel=b&channel=c',
    ]);
    assert.deepEqual(last.told.at(-1), {
      type: 'error',
      id: 4,
      code: 'scope_denied',
      message: 'Forbidden',
      retry: 'no',
    });
  });

  it('gives up where each channel is granted, and all together are not', async (t) => {
    const gateway = new Gateway();
    gateway.refusal = (channels) => (channels.length > 1 ? 'scope_denied' : undefined);
    const page = connect(eventStream({ fetch: gateway.fetch }));
    t.after(() => page.close());
    await settled();
    for (const channel of ['a', 'b']) page.say('subscribe', { channel });
    await settled();
    await settled();
    assert.deepEqual(page.events, ['open', 'close 3003']);
    assert.equal(gateway.targets.length, 3);
  });
});

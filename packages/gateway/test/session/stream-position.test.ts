import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { History } from '#gateway/hub/history.js';
import { Hub } from '#gateway/hub/hub.js';
import { Meters } from '#gateway/observe/meters.js';
import { eventFrame, textEvent } from '#gateway/session/event-frame.js';
import { StreamPosition } from '#gateway/session/stream-position.js';

const CHANNELS = ['a', 'b'] as const;
type Channel = (typeof CHANNELS)[number] | 'of others';

interface Read {
  readonly text: string | undefined;
  readonly gap: string | undefined;
  readonly time: number;
  readonly connection: number;
}

/** A feed as the gateway has one, and the reader of a stream, who may be cut off at any byte, and comes back. */
class World {
  readonly history: History;
  readonly hub = new Hub();
  /** Every message of the reader's channels, in order, and when it came. */
  readonly published: { readonly channel: string; readonly text: string; readonly time: number }[] =
    [];
  /** What the reader has read: messages, and channels with gaps, each with when it was sent and on which connection. */
  readonly read: Read[] = [];
  #time = 0;
  #connection = 0;
  #cursor: string | undefined;
  /** What waits for the reader, and when it was sent. */
  #sent: { readonly text: string; readonly time: number }[] = [];
  #takes = true;
  #stream: StreamPosition | undefined;
  readonly #meters = new Meters({ version: '0.0.0', node: '0' });
  /** Work that waits for its turn. */
  #turns: (() => void)[] = [];

  constructor(bytes: number) {
    this.history = new History({ seconds: 100, bytes, nowMs: () => 0 });
  }

  publish(channel: Channel, size: number): void {
    const time = (this.#time += 1);
    const text = this.history.add(channel, () => `${time} ${'x'.repeat(size)}`);
    if (channel !== 'of others') this.published.push({ channel, text, time });
    this.hub.broadcast(channel, () => textEvent('message', text, { id: this.history.cursor }));
  }

  lose(channel: Channel): void {
    const time = (this.#time += 1);
    this.history.interrupt(channel);
    // A message that never came: only a gap can make up for it.
    if (channel !== 'of others') this.published.push({ channel, text: 'lost', time });
    const { cursor } = this.history;
    this.hub.tell(channel, () =>
      eventFrame({ type: 'gap', channel, reason: 'payload_lost', cursor }, { id: cursor }),
    );
  }

  interrupt(): void {
    const time = (this.#time += 1);
    for (const channel of CHANNELS) this.published.push({ channel, text: 'lost', time });
    this.history.restart();
    const { cursor } = this.history;
    this.hub.tellAll((channel) =>
      eventFrame({ type: 'gap', channel, reason: 'feed_lost', cursor }),
    );
  }

  mark(): void {
    this.#stream?.mark();
  }

  /** The reader reads all that is there; then there is room for more. */
  drain(): void {
    this.#readAll(Infinity);
    this.#takes = true;
    this.#stream?.goOn();
    for (const work of this.#turns.splice(0)) work();
  }

  /** The reader reads some bytes, the connection breaks, and it comes back. */
  cut(bytes: number): void {
    this.#readAll(bytes);
    this.#stream?.stop();
    this.#sent = [];
    this.#turns = [];
    this.#takes = true;
    this.#begin();
  }

  #begin(): void {
    this.#connection += 1;
    const takes = (): boolean => this.#takes;
    const reader = {
      deliver: (frame: Buffer): void => {
        this.#sent.push({ text: frame.toString(), time: this.#time });
        if (frame.length >= 16_384) this.#takes = false;
      },
      get takesFrames(): boolean {
        return takes();
      },
    };
    this.#stream = new StreamPosition(reader, CHANNELS, {
      hub: this.hub,
      history: this.history,
      meters: this.#meters,
      turns: { add: (work) => void this.#turns.push(work) },
    });
    const id = this.#stream.firstAfter(this.#cursor);
    if (id !== undefined) this.#cursor = id;
    this.#stream.begin(this.#cursor);
  }

  start(): void {
    this.#begin();
  }

  /** Reads whole events, as a browser does, of so many bytes. */
  #readAll(bytes: number): void {
    let left = bytes;
    for (const { text, time } of this.#sent.splice(0))
      for (const event of text.split('\n\n').slice(0, -1)) {
        left -= event.length + 2;
        if (left < 0) return;
        this.#take(event, time);
      }
  }

  #take(event: string, time: number): void {
    const fields = new Map(
      event.split('\n').map((line) => {
        const colon = line.indexOf(': ');
        return [line.slice(0, colon), line.slice(colon + 2)] as const;
      }),
    );
    this.#cursor = fields.get('id') ?? this.#cursor;
    const data = fields.get('data') ?? '';
    const type = fields.get('event');
    const text = type === 'message' ? data : undefined;
    const gap = type === 'gap' ? String(JSON.parse(data).channel) : undefined;
    this.read.push({ text, gap, time, connection: this.#connection });
  }

  /** Every message was read once and in order; or of its channel a gap was told after it came. */
  check(): void {
    const texts = this.read.flatMap(({ text }) => text ?? []);
    const expected = this.published.map(({ text }) => text);
    const places = texts.map((text) => expected.indexOf(text));
    assert.deepEqual(
      places,
      [...new Set(places)].toSorted((one, other) => one - other),
    );
    const gaps = this.read.filter(({ gap }) => gap !== undefined);
    for (const { channel, text, time } of this.published) {
      const isTold = gaps.some((one) => one.gap === channel && one.time >= time);
      assert.ok(isTold || texts.includes(text), `${channel} ${time} was lost in silence`);
      const place = this.read.findIndex((one) => one.text === text);
      const isAfterGap = this.read
        .slice(0, Math.max(place, 0))
        .some(
          (one) =>
            one.gap === channel &&
            one.time >= time &&
            one.connection === this.read[place]?.connection,
        );
      assert.ok(!isAfterGap, `${channel} ${time} came after the gap that was told for it`);
    }
  }
}

const channel = fc.constantFrom<Channel>('a', 'a', 'b', 'b', 'of others');
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(
      fc.constant('publish' as const),
      channel,
      fc.constantFrom(0, 10, 4_000, 9_000),
    ),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('drain' as const)) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constant('cut' as const), fc.oneof(fc.nat(500), fc.nat(40_000))),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant('mark' as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('lose' as const), channel) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('interrupt' as const)) },
);

function take(
  world: World,
  [what, ...how]: typeof step extends fc.Arbitrary<infer Step> ? Step : never,
): void {
  const [one, other] = how;
  if (what === 'publish' && typeof one === 'string') world.publish(one, other ?? 0);
  else if (what === 'lose' && typeof one === 'string') world.lose(one);
  else if (what === 'cut') world.cut(Number(one));
  else if (what === 'drain') world.drain();
  else if (what === 'mark') world.mark();
  else world.interrupt();
}

describe('The position of a stream', () => {
  it('is not told as being further than what was sent', () => {
    const world = new World(10_000_000);
    world.start();
    for (let count = 0; count < 6; count += 1) world.publish('a', 9_000);
    world.cut(0);
    // Two pieces of three are still owed.
    world.mark();
    world.cut(Infinity);
    for (let round = 0; round < 4; round += 1) world.drain();
    world.check();
  });

  for (const bytes of [20_000, 100_000, 10_000_000])
    it(`loses nothing in silence and doubles nothing, whenever it is cut, with ${bytes} bytes of history`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
          const world = new World(bytes);
          world.start();
          for (const one of steps) take(world, one);
          // What is owed takes several rounds.
          for (let round = 0; round < 70; round += 1) world.drain();
          world.check();
        }),
        { numRuns: 400 },
      );
    });
});

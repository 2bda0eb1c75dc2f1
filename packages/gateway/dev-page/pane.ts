import type { ClientState, Message, OpenState } from '/dev/client/index.js';

import { makeToken, wordsFor } from './api.ts';
import type { Closing } from './api.ts';
import { describeClose } from './closings.ts';
import type { ClosingWords } from './closings.ts';
import { connect } from './connection.ts';
import type { Connection } from './connection.ts';
import { copyOfTemplate, find } from './dom.ts';
import { createMessageLog, readMessage } from './message-log.ts';
import type { MessageLog } from './message-log.ts';
import { countdown, nowSeconds, timeOfDay } from './time.ts';

/** Often enough that no second of the countdown is skipped. */
const TICK_MS = 250;

const doing = { r: 'read', w: 'write', rw: 'read and write' } as const;

type Mode = keyof typeof doing;
type State = 'connecting' | 'open' | 'closed';

/** What surrounds a pane. */
export interface PaneOptions {
  readonly name: string;
  readonly channel: string;
  readonly side: 'left' | 'right';
  /** The gateway's table of close codes. */
  readonly closings: readonly Closing[];
  /** The person entered another channel, for the next connect. */
  readonly onChannel: (channel: string) => void;
  /** A message went to the gateway, or came from it. */
  readonly onTraffic: (direction: 'in' | 'out') => void;
  /** The person wants to see what this token says. */
  readonly onExplain: (token: string, channel: string) => void;
}

/** What a connection was made with. */
interface Wish {
  readonly name: string;
  readonly channel: string;
  readonly mode: Mode;
  /** Of each token, in seconds. */
  readonly lifetime: number;
  /** Whether it gets another token when one ends. */
  readonly renews: boolean;
}

/** One client: its settings, its connection, and what it heard. */
export class Pane {
  readonly element: HTMLElement;
  readonly #options: PaneOptions;
  readonly #log: MessageLog;
  readonly #settings: HTMLFormElement;
  readonly #text: HTMLInputElement;
  #connection: Connection | undefined;
  #wish: Wish | undefined;
  #token: string | undefined;
  /** When it ends, in UNIX seconds. */
  #exp = 0;
  #ticking: ReturnType<typeof setInterval> | undefined;

  constructor(options: PaneOptions) {
    this.element = copyOfTemplate('pane-template');
    this.#options = options;
    this.element.dataset['side'] = options.side;
    this.#log = createMessageLog(this.#part('log', HTMLElement));
    this.#settings = this.#part('settings', HTMLFormElement);
    this.#text = find(this.element, 'input[name=text]', HTMLInputElement);
    this.#field('name').value = options.name;
    this.#field('channel').value = options.channel;
    this.#rename();
    this.#foldWhenNarrow();

    this.#field('name').addEventListener('input', () => this.#rename());
    const channel = this.#field('channel');
    channel.addEventListener('input', () => options.onChannel(channel.value));
    this.#onSubmit(this.#settings, () => this.connect());
    this.#onSubmit(this.#part('composer', HTMLFormElement), () => this.#send());
    this.#onClick('disconnect', () => {
      if (this.element.dataset['state'] === 'open') this.#connection?.close();
    });
    this.#onClick('explain', () => {
      if (this.#token !== undefined && this.#wish !== undefined) {
        options.onExplain(this.#token, this.#wish.channel);
      }
    });
  }

  /** Opens a connection as the settings say, in place of any other. */
  connect(): void {
    this.#connection?.abandon();
    const wish = this.#readSettings();
    this.#wish = wish;
    this.#token = undefined;
    this.#exp = 0;
    this.#enter('connecting', 'Connecting');
    this.#connection = connect(wish.channel, wish.mode !== 'w', {
      getToken: () => this.#ask(wish),
      onOpen: (state) => this.#opened(state, wish),
      onMessage: (message) => this.#received(message, wish),
      onGap: ({ reason }) =>
        this.#log.note(
          `A gap: ${reason}.`,
          'Messages may be missing; a page loads its state anew.',
        ),
      onAway: (state) => this.#away(state),
      onRefused: (words) => this.#log.note(`Refused: ${words}.`),
    });
  }

  #readSettings(): Wish {
    const form = new FormData(this.#settings);
    return {
      name: String(form.get('name')),
      channel: String(form.get('channel')),
      mode: parseMode(form.get('mode')),
      lifetime: Number(form.get('lifetime')),
      renews: form.get('renews') !== null,
    };
  }

  /** The first, or another one where they are to be renewed. */
  async #ask({ name, channel, mode, lifetime, renews }: Wish): Promise<string | undefined> {
    if (this.#token !== undefined && !renews) return undefined;
    const iat = Math.floor(nowSeconds());
    // Later than the one before, or it would be no renewal.
    const [exp, jti] = [Math.max(iat, this.#exp) + lifetime, crypto.randomUUID()];
    const token = await makeToken({ sub: name, mode, channels: [channel], iat, exp, jti });
    this.#token = token;
    this.#exp = exp;
    return token;
  }

  #opened({ expiresAt = 0 }: OpenState, { channel, mode, lifetime }: Wish): void {
    const isNews = this.element.dataset['state'] !== 'open';
    this.#enter('open', 'Open');
    const until = timeOfDay(expiresAt);
    if (isNews) this.#log.note(`Open on ${channel}: may ${doing[mode]} until ${until}.`);
    else this.#log.note(`Renewed until ${until}.`, 'Another token, on the same connection.');

    const tick = () => {
      const left = expiresAt - nowSeconds();
      this.#part('countdown', HTMLElement).textContent = countdown(left);
      this.element.style.setProperty('--left', `${Math.min(1, Math.max(0, left / lifetime))}`);
    };
    tick();
    this.#ticking = setInterval(tick, TICK_MS);
  }

  #received(message: Message, { name }: Wish): void {
    const heard = readMessage(message);
    this.#options.onTraffic('out');
    this.#log.message(heard, heard.sender === name ? 'own' : 'other');
  }

  #send(): void {
    const text = this.#text.value;
    if (text === '') return;
    if (this.element.dataset['state'] !== 'open') {
      this.#log.note('Not sent: the connection is not open.', 'Press Connect, then send again.');
      return;
    }

    this.#text.value = '';
    this.#options.onTraffic('in');
    this.#connection?.send(text);
    if (this.#wish?.mode === 'w')
      this.#log.note(`Sent “${text}”.`, 'With mode w nothing comes back to you.');
  }

  /** Of an outage the first word counts: that the gateway cannot be reached either follows from it. */
  #away(state: Exclude<ClientState, OpenState>): void {
    const isKnown = this.element.dataset['state'] === 'closed';
    if (state.name === 'closed') this.#closed(describeClose(1000, '', this.#options.closings));
    if (isKnown || !('error' in state) || state.error === undefined) return;
    const { closeCode, message, cause } = state.error;
    if (closeCode !== undefined)
      this.#closed(describeClose(closeCode, message, this.#options.closings));
    else this.#closed({ title: 'Not connected', advice: wordsFor(cause ?? state.error) });
  }

  #closed({ title, advice }: ClosingWords): void {
    this.#enter('closed', title);
    this.#log.note(`${title}.`, advice);
  }

  #enter(state: State, status: string): void {
    clearInterval(this.#ticking);
    this.element.dataset['state'] = state;
    this.#part('status', HTMLElement).textContent = status;
    this.#part('countdown', HTMLElement).textContent = '';
    this.#part('connect', HTMLElement).textContent = state === 'closed' ? 'Connect' : 'Reconnect';
    this.#part('disconnect', HTMLElement).ariaDisabled = `${state !== 'open'}`;
  }

  #rename(): void {
    const name = this.#field('name').value;
    this.#part('title', HTMLElement).textContent = name;
    this.element.ariaLabel = `Client ${name}`;
    this.#text.placeholder = `Write as ${name}`;
  }

  /** Where the panes are stacked, their settings would push one out of the other's sight. */
  #foldWhenNarrow(): void {
    const fields = this.#part('fields', HTMLDetailsElement);
    const narrow = matchMedia('(max-width: 46rem)');
    const fold = () => {
      fields.open = !narrow.matches;
    };
    fold();
    narrow.addEventListener('change', fold);
  }

  #part<E extends Element>(name: string, type: new () => E): E {
    return find(this.element, `[data-part=${name}]`, type);
  }

  #field(name: 'name' | 'channel'): HTMLInputElement {
    return find(this.#settings, `input[name=${name}]`, HTMLInputElement);
  }

  #onClick(part: string, act: () => void): void {
    this.#part(part, HTMLButtonElement).addEventListener('click', act);
  }

  #onSubmit(form: HTMLFormElement, act: () => void): void {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      act();
    });
  }
}

function parseMode(value: FormDataEntryValue | null): Mode {
  return value === 'r' || value === 'w' ? value : 'rw';
}

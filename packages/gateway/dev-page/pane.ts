import { makeToken, wordsFor } from './api.ts';
import type { Closing } from './api.ts';
import { describeClose, describeRefusal } from './closings.ts';
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

interface Admission {
  readonly token: string;
  readonly tokenId: string;
  readonly channel: string;
  readonly mode: Mode;
  readonly expiresAt: number;
  readonly lifetime: number;
}

/** One client of the raw protocol: its settings, its connection, and what it heard. */
export class Pane {
  readonly element: HTMLElement;
  readonly #options: PaneOptions;
  readonly #log: MessageLog;
  readonly #settings: HTMLFormElement;
  readonly #text: HTMLInputElement;
  #connection: Connection | undefined;
  #admission: Admission | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;
  /** Counts connects, so that a slow one notices that a later one has overtaken it. */
  #attempt = 0;

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
    this.#onSubmit(this.#settings, () => void this.connect());
    this.#onSubmit(this.#part('composer', HTMLFormElement), () => this.#send());
    this.#onClick('disconnect', () => {
      if (this.element.dataset['state'] === 'open') this.#connection?.close();
    });
    this.#onClick('explain', () => {
      if (this.#admission !== undefined) {
        options.onExplain(this.#admission.token, this.#admission.channel);
      }
    });
  }

  /** Has a token made as the settings say and opens a connection with it, in place of any other. */
  async connect(): Promise<void> {
    const attempt = ++this.#attempt;
    this.#connection?.abandon();
    this.#connection = undefined;
    this.#enter('connecting', 'Connecting');

    try {
      const admission = await this.#ask();
      if (attempt !== this.#attempt) return;
      this.#admission = admission;
      this.#connection = connect(admission.channel, admission.token, {
        onOpen: () => this.#opened(admission),
        onMessage: (text) => this.#received(text, admission),
        onClose: ({ code, reason, wasOpen }) => {
          if (wasOpen) this.#closed(describeClose(code, reason, this.#options.closings));
          else void this.#refused(admission, attempt);
        },
      });
    } catch (error) {
      if (attempt === this.#attempt) this.#closed({ title: 'No token', advice: wordsFor(error) });
    }
  }

  async #ask(): Promise<Admission> {
    const form = new FormData(this.#settings);
    const [sub, channel] = [String(form.get('name')), String(form.get('channel'))];
    const mode = parseMode(form.get('mode'));
    const lifetime = Number(form.get('lifetime'));
    const iat = Math.floor(nowSeconds());
    const [exp, jti] = [iat + lifetime, crypto.randomUUID()];

    const token = await makeToken({ sub, mode, channels: [channel], iat, exp, jti });
    return { token, tokenId: jti, channel, mode, expiresAt: exp, lifetime };
  }

  #opened({ channel, mode, expiresAt, lifetime }: Admission): void {
    this.#enter('open', 'Open');
    this.#log.note(`Open on ${channel}: may ${doing[mode]} until ${timeOfDay(expiresAt)}.`);

    const tick = () => {
      const left = expiresAt - nowSeconds();
      this.#part('countdown', HTMLElement).textContent = countdown(left);
      this.element.style.setProperty('--left', `${Math.min(1, Math.max(0, left / lifetime))}`);
    };
    tick();
    this.#ticking = setInterval(tick, TICK_MS);
  }

  #received(text: string, { tokenId }: Admission): void {
    const message = readMessage(text);
    this.#options.onTraffic('out');
    this.#log.message(message, message.tokenId === tokenId ? 'own' : 'other');
  }

  #send(): void {
    const text = this.#text.value;
    if (text === '') return;
    if (this.#connection?.send(text) !== true) {
      this.#log.note('Not sent: the connection is not open.', 'Press Connect, then send again.');
      return;
    }

    this.#text.value = '';
    this.#options.onTraffic('in');
    const mode = this.#admission?.mode;
    if (mode === 'r') this.#log.note(`Sent “${text}”, in vain.`, 'A token of mode r only reads.');
    if (mode === 'w') this.#log.note(`Sent “${text}”.`, 'With mode w nothing comes back to you.');
  }

  async #refused({ token, channel }: Admission, attempt: number): Promise<void> {
    const words = await describeRefusal(token, channel);
    if (attempt === this.#attempt) this.#closed(words);
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

import type { Message } from '/dev/client/index.js';

import { make, withCode } from './dom.ts';
import { nowSeconds, timeOfDay } from './time.ts';

/** Older entries leave the page: it may stay open all day. */
const MOST_ENTRIES = 200;

/** Nearer to the end than this many pixels, the log follows what comes. */
const NEAR_END = 48;

/** A message as people read it. */
export interface Heard {
  readonly text: string;
  /** Who published it; `undefined` for what was notified from SQL. */
  readonly sender: string | undefined;
  /** When the gateway got it, in UNIX seconds with a fraction. */
  readonly at: number;
  /** All of it, as the protocol tells it, indented. */
  readonly whole: string;
}

/** Reads what the gateway handed out. Anything at all can be notified from SQL. */
export function readMessage(message: Message): Heard {
  const { payload, claims, at } = message;
  return {
    text: typeof payload === 'string' ? payload : JSON.stringify(payload),
    sender: claims?.sub,
    at,
    whole: JSON.stringify(message, undefined, 2),
  };
}

/** What a pane heard and what happened to it, latest last. */
export interface MessageLog {
  readonly message: (message: Heard, whose: 'own' | 'other') => void;
  readonly note: (text: string, detail?: string) => void;
}

/** Keeps a log in the list given; screen readers read additions out, since its role is `log`. */
export function createMessageLog(list: HTMLElement): MessageLog {
  const add = (entry: HTMLElement) => {
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END;
    list.append(entry);
    while (list.childElementCount > MOST_ENTRIES) list.firstElementChild?.remove();
    if (follows) list.scrollTop = list.scrollHeight;
  };

  return {
    message: (message, whose) => add(messageEntry(message, whose)),
    note: (text, detail) => {
      const time = make('span', 'when', timeOfDay(nowSeconds()));
      const line = make('p', '', text, ' ', time);
      add(
        make(
          'div',
          'note',
          line,
          ...(detail === undefined ? [] : [make('p', '', ...withCode(detail))]),
        ),
      );
    },
  };
}

function messageEntry(message: Heard, whose: 'own' | 'other'): HTMLElement {
  const { sender = 'SQL', at } = message;
  const summary = make(
    'summary',
    '',
    make('span', 'when', timeOfDay(at)),
    ' ',
    make('u', '', 'as told'),
  );
  const details = make('details', '', summary, make('pre', '', message.whole));
  // What opens below the edge of the log would seem not to open at all.
  details.addEventListener('toggle', () => details.scrollIntoView({ block: 'nearest' }));
  const kind = message.sender === undefined ? 'sql' : whose;
  return make(
    'div',
    `message ${kind}`,
    make('p', 'sender', whose === 'own' ? `${sender}, you` : sender),
    make('p', 'text', message.text),
    details,
  );
}

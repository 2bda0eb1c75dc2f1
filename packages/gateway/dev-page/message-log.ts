import { parseObject } from './api.ts';
import { make, withCode } from './dom.ts';
import { nowSeconds, timeOfDay } from './time.ts';

/** Older entries leave the page: it may stay open all day. */
const MOST_ENTRIES = 200;

/** Nearer to the end than this many pixels, the log follows what comes. */
const NEAR_END = 48;

/** A message as people read it, taken out of the envelope that came through PostgreSQL. */
export interface Message {
  readonly text: string;
  /** The claim `sub` of who published it; `undefined` for what was notified from SQL. */
  readonly sender: string | undefined;
  /** The claim `jti` of the token it was published with: tells own messages from others'. */
  readonly tokenId: string | undefined;
  /** When the gateway took it in, in UNIX seconds with a fraction; `undefined` from SQL. */
  readonly deliveredAt: number | undefined;
  /** The envelope, indented; as it came when it is no JSON object. */
  readonly envelope: string;
}

/** Reads what the gateway handed out. Anything at all can be notified from SQL. */
export function readMessage(text: string): Message {
  const envelope = parseObject(text);
  const claims = parseObject(JSON.stringify(envelope?.['claims'] ?? {}));
  const { sub, jti, message_delivered_at: deliveredAt } = claims ?? {};
  const payload = envelope?.['payload'] ?? text;

  return {
    text: typeof payload === 'string' ? payload : JSON.stringify(payload),
    sender: typeof sub === 'string' ? sub : undefined,
    tokenId: typeof jti === 'string' ? jti : undefined,
    deliveredAt: typeof deliveredAt === 'number' ? deliveredAt : undefined,
    envelope: envelope === undefined ? text : JSON.stringify(envelope, undefined, 2),
  };
}

/** What a pane heard and what happened to it, latest last. */
export interface MessageLog {
  readonly message: (message: Message, whose: 'own' | 'other') => void;
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

function messageEntry(message: Message, whose: 'own' | 'other'): HTMLElement {
  const { sender = 'SQL', deliveredAt } = message;
  const received = nowSeconds();
  const parts = [timeOfDay(deliveredAt ?? received)];
  if (deliveredAt !== undefined) {
    parts.push(`in ${Math.max(1, Math.round((received - deliveredAt) * 1000))} ms`);
  }

  const summary = make(
    'summary',
    '',
    make('span', 'when', parts.join(' · ')),
    ' ',
    make('u', '', 'envelope'),
  );
  const details = make('details', '', summary, make('pre', '', message.envelope));
  // An envelope that opens below the edge of the log would seem not to open at all.
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

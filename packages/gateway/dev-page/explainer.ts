import { explainToken, makeToken, wordsFor } from './api.ts';
import type { Explanation, Granted } from './api.ts';
import { find, make } from './dom.ts';
import { nowSeconds, timeOfDay } from './time.ts';
import { meaningOf, readToken } from './token.ts';

/** Shows a token as if it had been pasted; `channel` is the one in the path. */
export type ShowToken = (token: string, channel: string) => void;

const HOUR_SECONDS = 3600;

const stepTitles = {
  form: 'Form: three base64url parts, two of them JSON',
  signature: 'Signature: made by a key of this gate',
  claims: 'Claims: the times and what else is asked for',
  grant: 'Grant: a mode, and this channel',
} as const;

const outcomeMarks = { passed: '✓', failed: '✕', 'not reached': '·' } as const;

/** Tokens that the gate refuses, each for its own reason; the keys are on the page's buttons. */
const examples: Readonly<Record<string, () => Promise<string>>> = {
  expired: () => makeToken({ ...goodClaims(), exp: Math.floor(nowSeconds()) - HOUR_SECONDS }),
  forged: async () => withOtherClaims(await makeToken(goodClaims())),
  unsigned: () => Promise.resolve(`${encode({ alg: 'none' })}.${encode(goodClaims())}.`),
  modeless: () => makeToken({ ...goodClaims(), mode: undefined }),
  milliseconds: () => makeToken({ ...goodClaims(), exp: Date.now() + HOUR_SECONDS * 1000 }),
};

/** Brings the section to life and returns how other parts of the page put a token into it. */
export function startExplainer(): ShowToken {
  const form = find(document, '#explainer', HTMLFormElement);
  const token = find(form, 'textarea', HTMLTextAreaElement);
  const channel = find(form, 'input', HTMLInputElement);
  let asking = new AbortController();

  const explain = () => {
    asking.abort();
    asking = new AbortController();
    const text = token.value.trim();
    showParts(text);
    if (text === '') showNothing();
    else void showVerdict(text, channel.value, asking.signal);
  };
  const show: ShowToken = (text, pathChannel) => {
    token.value = text;
    channel.value = pathChannel;
    explain();
  };

  form.addEventListener('input', explain);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    explain();
  });
  for (const button of form.querySelectorAll<HTMLButtonElement>('button[data-example]')) {
    const example = examples[button.dataset['example'] ?? ''];
    button.addEventListener('click', () => {
      void example?.().then((text) => show(text, channel.value), showProblem);
    });
  }
  return show;
}

function showParts(text: string): void {
  const { header, claims } = readToken(text);
  const json = header === undefined ? 'not readable' : JSON.stringify(header, undefined, 2);
  find(document, '#token-header', HTMLElement).textContent = text === '' ? '' : json;
  find(document, '#token-parts', HTMLElement).hidden = text === '';

  const rows = Object.entries(claims ?? {}).map(([name, value]) => {
    const head = make('th', '', name);
    head.scope = 'row';
    const code = make('code', '', JSON.stringify(value));
    return make('tr', '', head, make('td', '', code), make('td', '', meaningOf(name, value)));
  });
  find(document, '#token-claims', HTMLElement).replaceChildren(
    ...(rows.length > 0 ? rows : [make('tr', '', make('td', '', 'not readable'))]),
  );
}

async function showVerdict(text: string, channel: string, signal: AbortSignal): Promise<void> {
  try {
    const explanation = await explainToken(text, channel === '' ? undefined : channel, signal);
    showAnswer(explanation);
  } catch (error) {
    // A later question has taken this one's place.
    if (!signal.aborted) showProblem(error);
  }
}

function showAnswer({ steps, verdict }: Explanation): void {
  if (verdict.status === 101) {
    const end = verdict.expiresAt === undefined ? '' : ` until ${timeOfDay(verdict.expiresAt)}`;
    put('admitted', '101 Switching Protocols', `Enters ${allowed(verdict.grant)}${end}.`);
  } else {
    put('refused', '400 Bad Request', make('code', '', verdict.text));
  }

  find(document, '#steps', HTMLElement).replaceChildren(
    ...steps.map(({ step, outcome }) => {
      const mark = make('span', 'mark', outcomeMarks[outcome]);
      mark.ariaHidden = 'true';
      const item = make('li', '', mark, stepTitles[step], make('em', '', outcome));
      item.dataset['outcome'] = outcome;
      return item;
    }),
  );
}

/** `a, b and may read and write`; or, where channels differ, `a (read), b (read and write)`. */
function allowed({ channels, readable, writable }: Granted): string {
  const may = channels.map((channel) =>
    [readable.includes(channel) && 'read', writable.includes(channel) && 'write']
      .filter((word) => word !== false)
      .join(' and '),
  );
  const [first = ''] = may;
  if (may.every((words) => words === first)) return `${channels.join(', ')} and may ${first}`;
  return channels.map((channel, index) => `${channel} (${may[index] ?? ''})`).join(', ');
}

function showNothing(): void {
  put('empty', 'No token yet', 'Paste one, or take over a pane’s.');
  find(document, '#steps', HTMLElement).replaceChildren();
}

function showProblem(error: unknown): void {
  put('refused', 'The gate could not be asked', wordsFor(error));
}

function put(kind: string, title: string, ...text: readonly (Node | string)[]): void {
  const verdict = find(document, '#verdict', HTMLElement);
  verdict.dataset['kind'] = kind;
  const asked = make('p', 'asked', `Asked at ${timeOfDay(nowSeconds())}`);
  verdict.replaceChildren(
    make('strong', '', title),
    make('p', '', ...text),
    ...(kind === 'empty' ? [] : [asked]),
  );
}

function goodClaims() {
  const now = Math.floor(nowSeconds());
  return { sub: 'Mallory', mode: 'rw', channels: ['chat'], iat: now, exp: now + HOUR_SECONDS };
}

/** Keeps the signature and puts other claims under it, as a thief would. */
function withOtherClaims(token: string): string {
  const [header, , signature] = token.split('.');
  return [header, encode({ ...goodClaims(), sub: 'Ada' }), signature].join('.');
}

/** ASCII only, which these claims are. */
function encode(value: object): string {
  const base64 = btoa(JSON.stringify(value));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

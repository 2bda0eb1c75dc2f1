/**
 * What a token grants, worked out the slow way and from the words of `docs/protocol.md` alone: nothing
 * here is shared with the code that it judges, and no regular expression, `startsWith` or Map is used.
 */
export interface Asked {
  /** The claims, as JSON text. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly path: string | undefined;
  readonly open: boolean;
  readonly patterns: boolean;
}

/** Granted channels and what may be done with each, in order; or the reason of the refusal. */
export type Expected = readonly (readonly [channel: string, mode: string])[] | string;

type Said = readonly [entry: string, mode: string];

export function expectedGrant({ claims, path, open, patterns }: Asked): Expected {
  const has = (name: string) => Object.keys(claims).includes(name);
  const isObject = has('channels') && kindOf(claims['channels']) === 'object';
  const isModeless = !has('mode') && isObject;
  if (!isModeless && !(has('mode') && isMode(claims['mode']))) return 'Missing mode';
  const ceiling = isModeless ? 'rw' : String(claims['mode']);

  const isOpen = open && !has('channel') && !has('channels');
  if (isOpen) return path === undefined || path === '' ? refusal : [[path, ceiling]];

  const said = [
    ...alone(has('channel') ? claims['channel'] : undefined, isModeless ? '' : ceiling),
    ...several(has('channels') ? claims['channels'] : undefined, ceiling),
  ];
  const names: string[] = [];
  for (const [entry] of said) {
    const name = patterns ? exactName(entry, claims) : entry;
    if (name !== undefined && !names.includes(name)) names.push(name);
  }

  const granted: [string, string][] = [];
  for (const channel of path === undefined ? names : [path]) {
    const allowed = said
      .filter(([entry]) => (patterns ? opens(entry, channel, claims) : entry === channel))
      .map(([, mode]) => mode)
      .join('');
    const mode = ['r', 'w'].filter((flag) => allowed.includes(flag) && ceiling.includes(flag));
    if (mode.length > 0) granted.push([channel, mode.join('')]);
  }
  return granted.length === 0 ? refusal : granted;
}

const refusal = 'No allowed channels';

function alone(value: unknown, mode: string): readonly Said[] {
  return typeof value === 'string' && value !== '' ? [[value, mode]] : [];
}

function several(value: unknown, mode: string): readonly Said[] {
  const said: Said[] = [];
  if (Array.isArray(value)) for (const entry of value) said.push([entry, mode]);
  else if (typeof value === 'object' && value !== null)
    for (const [entry, own] of Object.entries(value)) said.push([entry, own]);

  const isGood = ([entry, own]: Said) => typeof entry === 'string' && entry !== '' && isMode(own);
  return said.every(isGood) ? said : [];
}

function isMode(value: unknown): boolean {
  return value === 'r' || value === 'w' || value === 'rw';
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** An entry cut up: what is said as it stands, the claims between it, and whether a `*` ends it. */
function cut(entry: string) {
  const isPattern = entry.at(-1) === '*' && (entry.length === 1 || entry.at(-2) === ':');
  const parts: { readonly text: string; readonly isClaim: boolean }[] = [];
  let text = '';
  let isClaim = false;
  for (const char of isPattern ? entry.slice(0, -1) : entry) {
    if (char === '*') return undefined;
    if (char === (isClaim ? '{' : '}')) return undefined;
    if (char !== '{' && char !== '}') {
      text += char;
      continue;
    }
    parts.push({ text, isClaim });
    text = '';
    isClaim = !isClaim;
  }
  if (isClaim) return undefined;
  return { isPattern, parts: [...parts, { text, isClaim }] };
}

/** What the parts come to with the claims filled in. */
function filled(entry: string, claims: Asked['claims']) {
  const whole = cut(entry);
  if (whole === undefined) return undefined;

  let text = '';
  for (const part of whole.parts) {
    if (!part.isClaim) {
      text += part.text;
      continue;
    }
    const value = Object.keys(claims).includes(part.text) ? claims[part.text] : undefined;
    const isWhole = typeof value === 'number' && Math.abs(value) < 2 ** 53 && value % 1 === 0;
    const said = isWhole ? value.toFixed(0) : value;
    if (typeof said !== 'string' || said === '') return undefined;
    if (whole.isPattern && (said.includes(':') || said.includes('*'))) return undefined;
    text += said;
  }
  return { text, isPattern: whole.isPattern };
}

function exactName(entry: string, claims: Asked['claims']): string | undefined {
  const all = filled(entry, claims);
  return all === undefined || all.isPattern || all.text === '' ? undefined : all.text;
}

function opens(entry: string, channel: string, claims: Asked['claims']): boolean {
  const all = filled(entry, claims);
  if (all === undefined || channel === '') return false;
  if (!all.isPattern) return channel === all.text;

  if (Buffer.from(channel).length > 200) return false;
  for (let at = 0; at < channel.length; at++) {
    const code = channel.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f) || '*{}'.includes(channel.charAt(at)))
      return false;
  }
  return channel.length > all.text.length && channel.slice(0, all.text.length) === all.text;
}

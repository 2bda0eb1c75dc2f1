import type { Arsenal } from './fuzz-arsenal.ts';
import { BODIES, CURIOUS, METHODS, PATHS, QUERIES, VERSIONS } from './fuzz-corpus.ts';
import type { Draft, Line } from './fuzz-draft.ts';

/** Numbers that say where something changes, and where to; and what may be put there. */
export interface Step {
  readonly at: number;
  readonly to: number;
  readonly text: string;
}

type Mutation = (draft: Draft, step: Step, arsenal: Arsenal) => Draft;

/** The item that a number stands for; `undefined`: there is none. */
export const of = <Item>(items: readonly Item[], at: number): Item | undefined =>
  items[at % items.length];

/** The line that is meant, made into others. */
const onLine =
  (change: (line: Line, step: Step) => readonly Line[]): Mutation =>
  (draft, step) => ({
    ...draft,
    lines: draft.lines.flatMap((line, index) =>
      index === step.at % draft.lines.length ? change(line, step) : [line],
    ),
  });

const inserted = <Item>(items: readonly Item[], at: number, item: Item): readonly Item[] => {
  const place = at % (items.length + 1);
  return [...items.slice(0, place), item, ...items.slice(place)];
};

/** A place in a text. */
export const within = (value: string, at: number): number => at % (value.length + 1);

/** Everything that is done to requests, right ones in the end among them. */
export const mutations = {
  drop: onLine(() => []),
  twice: onLine((line) => [line, line]),
  again: (draft, { at, to }) => {
    const line = of(draft.lines, at);
    return line === undefined ? draft : { ...draft, lines: inserted(draft.lines, to, line) };
  },
  move: (draft, { at, to }) => {
    const line = of(draft.lines, at);
    if (line === undefined) return draft;
    const rest = draft.lines.filter((_, index) => index !== at % draft.lines.length);
    return { ...draft, lines: inserted(rest, to, line) };
  },
  recase: onLine(([name, value], { to }) => [
    [to % 2 === 0 ? name.toUpperCase() : name.toLowerCase(), value],
  ]),
  recaseValue: onLine(([name, value], { to }) => [
    [name, to % 2 === 0 ? value.toUpperCase() : value.toLowerCase()],
  ]),
  blanks: onLine(([name, value], { to }) => [
    [name, to % 2 === 0 ? `  ${value}` : `\t${value} \t`],
  ]),
  garble: onLine(([name, value], { to, text }) => {
    const place = within(value, to);
    return [[name, value.slice(0, place) + text + value.slice(place)]];
  }),
  garbleName: onLine(([name, value], { to, text }) => {
    const place = within(name, to);
    return [[name.slice(0, place) + text + name.slice(place), value]];
  }),
  cut: onLine(([name, value], { to }) => [[name, value.slice(0, within(value, to))]]),
  list: onLine(([name, value], { to }) => [
    [name, `${value}${to % 2 === 0 ? ', ' : '; '}${value}`],
  ]),
  fold: onLine(([name, value], { to }) => {
    const place = within(value, to);
    return [[name, `${value.slice(0, place)}\r\n ${value.slice(place)}`]];
  }),
  exchange: (draft, { at, to }) => {
    const [one, other] = [of(draft.lines, at), of(draft.lines, to)];
    if (one === undefined || other === undefined) return draft;
    const lines = draft.lines.map((line): Line => {
      if (line === one) return [one[0], other[1]];
      return line === other ? [other[0], one[1]] : line;
    });
    return { ...draft, lines };
  },
  strange: (draft, { at, to }) => {
    const line = of(CURIOUS, at);
    return line === undefined ? draft : { ...draft, lines: inserted(draft.lines, to, line) };
  },
  large: (draft, { at, to }) => {
    const line: Line = ['X-Large', 'x'.repeat(at % 20_000)];
    return { ...draft, lines: inserted(draft.lines, to, line) };
  },
  many: (draft, { at }) => ({
    ...draft,
    lines: [...draft.lines, ...Array.from({ length: at % 400 }, (): Line => ['X', 'y'])],
  }),
  query: (draft, { at, to }) => ({
    ...draft,
    query: inserted(draft.query, to, of(QUERIES, at) ?? ''),
  }),
  path: (draft, { at }) => ({ ...draft, path: of(PATHS, at) ?? '' }),
  method: (draft, { at }) => ({ ...draft, method: of(METHODS, at) ?? '' }),
  version: (draft, { at }) => ({ ...draft, version: of(VERSIONS, at) ?? '' }),
  body: (draft, { at, to }) => {
    const body = of(BODIES, at) ?? '';
    const length = String(to % 4 === 0 ? to : body.length);
    const lines = draft.lines.map(([name, value]): Line => [
      name,
      name === 'Content-Length' ? length : value,
    ]);
    return { ...draft, lines, body };
  },
  slot: (draft, { at, to }, { others }) => {
    const token = of(others, at) ?? '';
    const kind = of(['csrf', 'embed', 'bearer'], to) ?? '';
    return to % 2 === 0
      ? { ...draft, query: inserted(draft.query, to, `${kind}=${token}`) }
      : {
          ...draft,
          lines: draft.lines.map(([name, value]): Line => [
            name,
            name === 'Sec-WebSocket-Protocol' ? `${value}, postern.${kind}.${token}` : value,
          ]),
        };
  },
} as const satisfies Record<string, Mutation>;

import fc from 'fast-check';

import type { Arsenal } from './fuzz-arsenal.ts';
import { edit, edited, morsel } from './fuzz-bytes.ts';
import type { Edit } from './fuzz-bytes.ts';
import type { Draft } from './fuzz-draft.ts';
import { written } from './fuzz-draft.ts';
import { mutations, of, within } from './fuzz-mutations.ts';
import type { Step } from './fuzz-mutations.ts';

/** What becomes of a correct request: the parts that change, then its tokens, then its bytes; and how it is sent. */
export interface Plan {
  readonly parts: readonly (readonly [keyof typeof mutations, Step])[];
  readonly tokens: readonly Step[];
  readonly edits: readonly Edit[];
  /** Where it is cut into pieces. */
  readonly cuts: readonly number[];
}

/** It looks back so that a long text without a dot is not gone through from each of its places. */
const TOKEN = /(?<![\w-])[\w-]+\.[\w-]+\.[\w-]+/g;

/** Three parts, as all that is signed here has; and what stands in their place. */
const tokenChanges: readonly ((token: string, step: Step, arsenal: Arsenal) => string)[] = [
  (token, { to, text }) => {
    const place = to % token.length;
    return token.slice(0, place) + (/\w/.exec(text)?.[0] ?? 'A') + token.slice(place + 1);
  },
  // Among the last ones, which are those of the signature.
  (token, { to }) => {
    const place = token.length - 1 - (to % Math.min(token.length, 40));
    return `${token.slice(0, place)}${token[place] === 'A' ? 'B' : 'A'}${token.slice(place + 1)}`;
  },
  (token, { to }) => token.slice(0, within(token, to)),
  (token, { to, text }) =>
    token.slice(0, to % token.length) + text + token.slice(to % token.length),
  (_, { to }, { others }) => of(others, to) ?? '',
  (token) => [...token].map((character) => `%${character.charCodeAt(0).toString(16)}`).join(''),
  (token) => `${token}.`,
];

const number = fc.nat({ max: 0xffff });
const step: fc.Arbitrary<Step> = fc.record({ at: number, to: number, text: morsel });
const name = fc.constantFrom(...Object.keys(mutations).filter(isMutation));

/** None, most of the time: whoever changes everything never gets beyond the first check. */
const seldom = <Item>(item: fc.Arbitrary<Item>, times: number) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<readonly Item[]>([]) },
    { weight: 1, arbitrary: fc.array(item, { minLength: 1, maxLength: times }) },
  );

/** Any plan. */
export const plan: fc.Arbitrary<Plan> = fc.record({
  parts: fc.array(fc.tuple(name, step), { maxLength: 3 }),
  tokens: seldom(step, 2),
  edits: seldom(edit, 3),
  cuts: seldom(number, 4),
});

/** The request that a plan makes of a draft, a character for each byte. */
export function carriedOut({ parts, tokens, edits }: Plan, draft: Draft, arsenal: Arsenal): string {
  const changed = parts.reduce(
    (current, [part, where]) => mutations[part](current, where, arsenal),
    draft,
  );
  const text = tokens.reduce(
    (current, where) => withOneToken(current, where, arsenal),
    written(changed),
  );
  return edited(text, edits);
}

/** The pieces in which it is sent. */
export function pieces(text: string, cuts: readonly number[]): readonly string[] {
  const places = cuts.map((cut) => within(text, cut)).toSorted((a, b) => a - b);
  return [0, ...places].map((place, index) => text.slice(place, places[index]));
}

function withOneToken(text: string, where: Step, arsenal: Arsenal): string {
  const found = of([...text.matchAll(TOKEN)], where.at);
  const change = of(tokenChanges, where.at >> 4);
  if (found === undefined || change === undefined) return text;
  const [token] = found;
  const after = text.slice(found.index + token.length);
  return text.slice(0, found.index) + change(token, where, arsenal) + after;
}

function isMutation(text: string): text is keyof typeof mutations {
  return Object.hasOwn(mutations, text);
}

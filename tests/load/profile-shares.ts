import type { Profiler } from 'node:inspector';

/** What a thread did, in parts of one, the greatest first. What it did for no time is not in it. */
export type Shares = ReadonlyMap<Step, number>;

/** A part of a handshake. */
export type Step = (typeof steps)[number]['step'] | typeof NODE | typeof GARBAGE;

/** Sockets, HTTP, and whatever nobody of those below has called. */
const NODE = 'Node: TCP, HTTP, event loop';
const GARBAGE = 'garbage collection';

/** Functions of a file, or all that is in it. */
interface Row {
  readonly step: string;
  readonly at: RegExp;
  readonly named?: readonly string[];
}

/**
 * Whose a sample is: of the first of these that its stack meets, from the innermost call outwards. What
 * serves many (Node's crypto, `decode.ts`, `signed-token.ts`) is not in it, and counts for who called it. A function, where
 * one is named, comes before the rest of its file.
 */
const steps = [
  { step: 'CSRF token', at: /\/auth\/tickets\.js$/, named: ['openCsrf'] },
  { step: 'auth cookie', at: /\/auth\/tickets\.js$/, named: ['openCookie'] },
  { step: 'embed token', at: /\/auth\/tickets\.js$/, named: ['openEmbed'] },
  { step: 'cid: cookie and token belong together', at: /\/auth\/binding\.js$/ },
  { step: 'JWT: signature and claims', at: /\/jose\/|\/auth\/(verify|token|claims|key-ring)\.js$/ },
  {
    step: 'making tickets',
    at: /\/auth\/tickets\.js$/,
    named: ['mintCookie', 'mintCsrf', 'mintEmbed'],
  },
  { step: 'grant: channels, scopes', at: /\/auth\/(grant|scopes|channel-\w+|mode)\.js$/ },
  { step: 'replay store: one statement', at: /\/postgres\/|\/node_modules\/pg[\w-]*\// },
  {
    step: 'log and metrics',
    at: /\/observe\/|\/node_modules\/(pino|prom-client)|\/refusal-log\.js$/,
  },
  { step: '101 and frames: ws', at: /\/node_modules\/ws\// },
  { step: 'session and its admission', at: /\/(session|hub)\/|\/protocol\/\w+\.js$/ },
  { step: 'answers that are no 101', at: /\/http\/(refuse|answer|answering|cors|problem)\.js$/ },
  {
    step: 'guards: form, host, origin, places',
    at: /\/http\/|\/auth\/(credential|origins|auth-cookie)\.js$/,
  },
] as const satisfies readonly Row[];

/** Adds up the samples of some profiles. What the thread did while it waited is left out. */
export function sharesOf(profiles: readonly Profiler.Profile[]): Shares {
  const hits = new Map<Step, number>();
  for (const { nodes } of profiles) {
    const parents = new Map(
      nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)),
    );
    for (const node of nodes) {
      const step = stepOf(node, parents);
      if (step !== undefined && node.hitCount !== undefined && node.hitCount > 0)
        hits.set(step, (hits.get(step) ?? 0) + node.hitCount);
    }
  }
  const all = [...hits.values()].reduce((sum, count) => sum + count, 0);
  return new Map(
    [...hits].toSorted(([, a], [, b]) => b - a).map(([step, count]) => [step, count / all]),
  );
}

type Parents = ReadonlyMap<number, Profiler.ProfileNode>;

function stepOf(leaf: Profiler.ProfileNode, parents: Parents): Step | undefined {
  const { functionName } = leaf.callFrame;
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return GARBAGE;
  for (
    let node: Profiler.ProfileNode | undefined = leaf;
    node !== undefined;
    node = parents.get(node.id)
  ) {
    const { url, functionName: name } = node.callFrame;
    const found = steps.find((row) => row.at.test(url) && isNamed(row, name));
    if (found !== undefined) return found.step;
  }
  return NODE;
}

function isNamed({ named }: Row, name: string): boolean {
  return named === undefined || named.includes(name);
}

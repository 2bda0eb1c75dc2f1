import type { BuildInfo, LabelsOf, Metric, NameOf } from './metrics.ts';
import { metrics } from './metrics.ts';

/** One series of a counter. Adding to it is adding to a number: it may stand on the hot path. */
export class Count {
  readonly labels: Readonly<Record<string, string>>;
  value = 0;

  constructor(labels: Readonly<Record<string, string>>) {
    this.labels = labels;
  }

  add(amount = 1): void {
    this.value += amount;
  }
}

/** Where the values of a histogram go: nowhere, until somebody can read them. */
export class Distribution {
  #sink: ((value: number) => void) | undefined;

  observe(value: number): void {
    this.#sink?.(value);
  }

  /** Hands on every value from here on. */
  pipe(sink: (value: number) => void): void {
    this.#sink = sink;
  }
}

/**
 * What one gateway measures of itself, by the rows of the metric table. Every series is there from the
 * start: a label that is not in the table has none, and what never happened is 0 and not absent.
 */
export class Meters {
  readonly build: BuildInfo;
  readonly #counts = new Map<string, readonly Count[]>();
  readonly #distributions = new Map<string, Distribution>();
  readonly #readers = new Map<string, () => number | boolean>();

  constructor(build: BuildInfo) {
    this.build = build;
    for (const [name, metric] of Object.entries<Metric>(metrics)) {
      if (metric.type === 'counter') this.#counts.set(name, countsOf(metric.labels ?? {}));
      if (metric.type === 'histogram') this.#distributions.set(name, new Distribution());
    }
  }

  /**
   * A counter, or that of its series with these labels: always the same object. It is looked for: for
   * the hot path it is to be had beforehand. Throws for labels that the table has not.
   */
  counter<Name extends NameOf<'counter'>>(name: Name, ...labels: LabelsOf<Name>): Count {
    const wanted = Object.entries<string>(labels[0] ?? {});
    const count = this.counts(name).find((series) =>
      wanted.every(([label, value]) => series.labels[label] === value),
    );
    if (count === undefined) throw new TypeError(`The metric ${name} has no such series`);
    return count;
  }

  histogram(name: NameOf<'histogram'>): Distribution {
    return this.distribution(name);
  }

  /** Says where a gauge is to be read; true counts as 1. */
  gauge(name: NameOf<'gauge'>, read: () => number | boolean): void {
    this.#readers.set(name, read);
  }

  /** All series of a row that is a counter. */
  counts(name: string): readonly Count[] {
    return this.#counts.get(name) ?? [];
  }

  /** That of a row that is a histogram. */
  distribution(name: string): Distribution {
    const distribution = this.#distributions.get(name);
    if (distribution === undefined) throw new TypeError(`The metric ${name} is no histogram`);
    return distribution;
  }

  /** The value of a row that is a gauge; 0 where nobody has said where to read it. */
  read(name: string): number {
    return Number(this.#readers.get(name)?.() ?? 0);
  }
}

/** A series for each combination of the labels' values. */
function countsOf(labels: Readonly<Record<string, readonly string[]>>): readonly Count[] {
  let combinations: Readonly<Record<string, string>>[] = [{}];
  for (const [label, values] of Object.entries(labels))
    combinations = combinations.flatMap((others) =>
      values.map((value) => ({ ...others, [label]: value })),
    );
  return combinations.map((combination) => new Count(combination));
}

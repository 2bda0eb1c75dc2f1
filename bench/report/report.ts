import type { Machine } from '../machine.ts';
import type { Row, Unit } from './row.ts';

/** How much is measured: all that the figures need, or the least that shows that everything runs. */
export type Effort = 'full' | 'quick';

/** What a part of the bench has measured. */
export interface Measured {
  readonly rows: readonly Row[];
  /** What a reader must know beside the figures: peers that are not installed, say. */
  readonly remarks?: readonly string[];
  /** What a picture says better; none by default. */
  readonly charts?: readonly Chart[];
}

/** Figures to be drawn side by side. */
export interface Chart {
  readonly title: string;
  readonly unit: Unit;
  readonly lines: readonly {
    readonly label: string;
    readonly figure: number;
    /** Whether it is the gateway's own. */
    readonly isOwn: boolean;
  }[];
}

/** The same, with where and when. */
export interface PartReport extends Measured {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  /** The load average of the last minute: what else the machine had to do, and the bench itself. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

/** A run of the bench; `bench/results/` has them as JSON. */
export interface BenchReport {
  readonly startedAt: string;
  readonly effort: Effort;
  readonly machine: Machine;
  /** Of what was measured, and of what it was held against. */
  readonly versions: Readonly<Record<string, string>>;
  readonly parts: readonly PartReport[];
}

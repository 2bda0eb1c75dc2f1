import { cpus, loadavg, release } from 'node:os';

/** Where something was measured. */
export interface Machine {
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
}

/** This one. */
export const machine: Machine = {
  node: process.version,
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  kernel: release(),
};

/** In a line. */
export function describeMachine({ node, processor, cores, kernel }: Machine): string {
  return `Node ${node.slice(1)}, ${cores} × ${processor}, kernel ${kernel}`;
}

/** How busy the machine was in the last minute. */
export function loadOfMinute(): number {
  return loadavg()[0] ?? Number.NaN;
}

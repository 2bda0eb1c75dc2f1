import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Looks into another process by the files of Linux. Elsewhere there is nothing to look at. */
export interface ProcessProbe {
  /** Files and sockets that are open. */
  descriptors(): number;
  /** From now on the peak counts anew. */
  resetPeak(): void;
  /** The most memory that was resident at a time, in bytes. */
  peakBytes(): number;
}

/** Whether processes can be looked into here: the reason to skip a test where they cannot. */
export const noProbe = process.platform === 'linux' ? false : 'needs the files in /proc';

/** A look into the process with this id. */
export function probe(pid: number): ProcessProbe {
  return {
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    resetPeak: () => writeFileSync(`/proc/${pid}/clear_refs`, '5'),
    peakBytes: () => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    },
  };
}

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Looks into another process by the files of Linux. Elsewhere there is nothing to look at. */
export interface ProcessProbe {
  /** Files and sockets that are open. */
  descriptors(): number;
  /** From now on the peak counts anew. */
  resetPeak(): void;
  /** How long it has been at work, its system calls too, in seconds. */
  workedSeconds(): number;
  /** Memory that is resident, in bytes. */
  residentBytes(): number;
  /** The most that was at a time. */
  peakBytes(): number;
}

/** What Linux counts times by, on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Whether processes can be looked into here: the reason to skip a test where they cannot. */
export const noProbe = process.platform === 'linux' ? false : 'needs the files in /proc';

/** A look into the process with this id. */
export function probe(pid: number): ProcessProbe {
  const statusBytes = (name: 'VmRSS' | 'VmHWM'): number => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  };
  return {
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    resetPeak: () => writeFileSync(`/proc/${pid}/clear_refs`, '5'),
    workedSeconds: () => {
      // What follows the name, which may hold anything, begins with the state.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    residentBytes: () => statusBytes('VmRSS'),
    peakBytes: () => statusBytes('VmHWM'),
  };
}

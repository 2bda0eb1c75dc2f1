import { environment } from '../config/sources.ts';
import { shownLine } from './terminal.ts';

/** How one of several things looked at turned out. */
export type Mark = 'good' | 'warning' | 'bad' | 'none';

/** One line: how it turned out, its name, what there is to say of it, and what mends it. */
export interface MarkedRow {
  readonly mark: Mark;
  readonly name: string;
  readonly text: string;
  readonly mend?: string | undefined;
}

/** The signs say it all; colour is only for the eye. */
const marks = {
  good: { sign: '✓', colour: 32 },
  warning: { sign: '!', colour: 33 },
  bad: { sign: '✗', colour: 31 },
  none: { sign: '–', colour: 90 },
} as const;

/** The rows in columns, each mend below its row. */
export function markedRows(rows: readonly MarkedRow[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length)) + 2;
  const margin = ' '.repeat(width + 2);
  return rows
    .map(({ mark, name, text, mend }) => {
      const { sign, colour } = marks[mark];
      const line = `${painted(sign, colour)} ${name.padEnd(width)}${lines(text, margin)}`;
      return mend === undefined ? line : `${line}\n${margin}→ ${lines(mend, margin)}`;
    })
    .join('\n');
}

/** Lines below the first are set in; what a terminal would obey is shown. */
function lines(text: string, margin: string): string {
  const shown = text.split('\n').map((line) => shownLine(line, true));
  return shown.join(`\n${margin}`);
}

/** https://no-color.org: any value but none at all, or the empty one, means no colour. */
function painted(text: string, colour: number): string {
  const isPlain = !process.stdout.isTTY || (environment()['NO_COLOR'] ?? '') !== '';
  return isPlain ? text : `\u001b[${colour}m${text}\u001b[0m`;
}

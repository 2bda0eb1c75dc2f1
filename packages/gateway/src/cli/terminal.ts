import { text as readText } from 'node:stream/consumers';

/** Ends the process quietly when whoever read its output has left, as `head` does. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

/** Standard input, whole, less one newline at its end: `echo` puts it there. */
export async function standardInput(): Promise<string> {
  return (await readText(process.stdin)).replace(/\r?\n$/, '');
}

/** Control characters, and those that turn the direction of what follows: a terminal obeys them. */
const COMMANDING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const LINE_BREAK = /[\r\n]/g;

/**
 * One line that shows a text of unknown origin. Line breaks are always escaped; on a terminal,
 * whatever else it would obey instead of show.
 */
export function shownLine(text: string, isTerminal: boolean): string {
  return text.replaceAll(isTerminal ? COMMANDING : LINE_BREAK, escaped);
}

/** As in a string of JSON, so that a line of JSON stays one. */
function escaped(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

import { gathered } from '../tests/support/evidence-files.ts';

/** What became of the secrets of a test run. */
export interface Leaks {
  /** How many lines were looked through. */
  readonly lines: number;
  /** How many secrets were looked for. */
  readonly secrets: number;
  /** The lines, each once, that hold one, or anything else that looks like a token. */
  readonly leaked: readonly string[];
}

/** No secret is shorter. Of a part of one that is twice as long, a whole piece is found. */
const PIECE_LENGTH = 16;

/** Whatever wrote it, and whether the run knew it or not. */
const JWT = /ey[AJ][\w-]{4,}\.[\w-]{8,}/;

/** What the log itself hid: that it had to is a mistake of whoever logged it. */
const HIDDEN = '[redacted]';

/** Looks in all that was said in a test run for every secret that it made, whole or in part. */
export function findLeaks(folder: string): Leaks {
  const said = gathered(folder, 'said');
  const secrets = new Set(gathered(folder, 'secrets'));
  const pieces = new Set([...secrets].flatMap(piecesOf));
  const leaked = said.filter(
    (line) => line.includes(HIDDEN) || JWT.test(line) || windowsOf(line).some((w) => pieces.has(w)),
  );
  return { lines: said.length, secrets: secrets.size, leaked: [...new Set(leaked)] };
}

/** One piece beside the other, and the end. */
function piecesOf(secret: string): readonly string[] {
  const pieces = [secret.slice(-PIECE_LENGTH)];
  for (let at = 0; at + PIECE_LENGTH <= secret.length; at += PIECE_LENGTH)
    pieces.push(secret.slice(at, at + PIECE_LENGTH));
  return pieces;
}

/** Every piece that a line could hold. */
function windowsOf(line: string): readonly string[] {
  const count = Math.max(line.length - PIECE_LENGTH + 1, 0);
  return Array.from({ length: count }, (_, at) => line.slice(at, at + PIECE_LENGTH));
}

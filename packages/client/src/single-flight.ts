import type { Answer } from './answer.ts';
import { trouble } from './errors.ts';

/** How long one may take, in milliseconds; after that the next one is begun, and its answer not waited for. */
const PATIENCE_MS = 30_000;

/** Of those who ask while an answer is on its way, only the first starts anything; all get what it gets. */
export function singleFlight<Value>(
  begin: (answer: Answer<Value>) => void,
): (answer: Answer<Value>) => void {
  let waiting: Answer<Value>[] | undefined;

  return (answer) => {
    if (waiting !== undefined) {
      waiting.push(answer);
      return;
    }
    const all = [answer];
    waiting = all;
    const settle: Answer<Value> = (outcome) => {
      clearTimeout(patience);
      // What comes late, or twice, is nobody's any more.
      if (waiting !== all) return;
      waiting = undefined;
      all.forEach((one) => one(outcome));
    };
    const patience = setTimeout(() => settle(trouble('unreachable')), PATIENCE_MS);
    begin(settle);
  };
}

import { closingAnswers } from './closing-answers.ts';
import { closingFailures } from './closing-failures.ts';
import type { FailureRow } from './failure.ts';
import { refusals } from './refusals.ts';

/** Each row as it is typed, so that those who name one know which members it has. */
type ClosingRows = {
  readonly [Name in keyof typeof closingFailures]: (typeof closingFailures)[Name] &
    (Name extends keyof typeof closingAnswers ? (typeof closingAnswers)[Name] : unknown);
};

/** The rows of the failure table, without the advice for people. */
export const failureRows = { ...withAnswers(), ...refusals };

function withAnswers(): ClosingRows {
  const answers: Readonly<Record<string, Partial<FailureRow>>> = closingAnswers;
  const rows = Object.entries(closingFailures);
  // What the compiler cannot see: that the names are the same.
  return Object.fromEntries(
    rows.map(([name, row]) => [name, { ...row, ...answers[name] }]),
  ) as unknown as ClosingRows;
}

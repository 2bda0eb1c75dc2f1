import { tokenProblems } from '../../auth/problems.ts';
import { candidates } from '../../auth/verify.ts';
import type { Explanation } from '../explain-token.ts';
import { stepOf, steps } from './steps.ts';
import type { StepName, Subject } from './steps.ts';

/** One step of a token's way through the gate. */
export interface NarratedStep {
  readonly step: StepName;
  readonly outcome: 'passed' | 'failed' | 'not checked' | 'not reached';
  readonly found: string;
}

/**
 * Tells a verdict step by step. The verdict is the gate's own: which step failed follows from it, and
 * only what there was to see is added. `subject` is `undefined` when the token has no form.
 */
export function narrate(
  verdict: Explanation['verdict'],
  subject: Subject | undefined,
): readonly NarratedStep[] {
  const failed = verdict.status === 101 ? undefined : failedStep(verdict.text, subject);
  const reached =
    failed === undefined ? steps.length : steps.findIndex(({ name }) => name === failed);
  return steps.map(({ name: step, found }, at) => {
    if (at > reached) return { step, outcome: 'not reached', found: 'not reached' };
    if (at < reached) return passed(step, subject, found);
    const seen = subject === undefined ? '' : `: ${found(subject)}`;
    return { step, outcome: 'failed', found: `${plain(verdict)}${seen}` };
  });
}

function passed(
  step: StepName,
  subject: Subject | undefined,
  found: (subject: Subject) => string,
): NarratedStep {
  // The header can be refused before there is anything to see of the token.
  if (subject === undefined) return { step, outcome: 'passed', found: 'readable' };
  const { keys } = subject;
  if (step === 'key' && keys === undefined)
    return { step, outcome: 'not checked', found: found(subject) };
  if (step === 'signature' && keys === undefined)
    return { step, outcome: 'not checked', found: 'not checked, no keys configured' };
  return { step, outcome: 'passed', found: found(subject) };
}

function failedStep(text: string, subject: Subject | undefined): StepName {
  // A token that is not there at all is answered as one that says nothing.
  if (subject === undefined) return formStep(text);
  const step = stepOf[problemNamed(text)];
  const hasNoKey =
    subject.keys !== undefined && candidates(subject.keys, subject.token).length === 0;
  return step === 'signature' && hasNoKey ? 'key' : step;
}

function formStep(text: string): StepName {
  const step = text === '' ? 'form' : stepOf[problemNamed(text)];
  return step === 'header' ? 'header' : 'form';
}

/** Each problem has a text of its own. */
function problemNamed(text: string): keyof typeof stepOf {
  const names = Object.keys(stepOf).filter(isProblem);
  return names.find((name) => tokenProblems[name].raw === text) ?? 'notThreeParts';
}

function isProblem(name: string): name is keyof typeof stepOf {
  return Object.hasOwn(stepOf, name);
}

/** The text less the names that postgres-websockets gave the kinds of errors. */
function plain(verdict: Explanation['verdict']): string {
  return verdict.status === 101
    ? ''
    : verdict.text.replace(/^Error: (?:JWSError |JWTClaimsSetDecodeError )?/, '');
}

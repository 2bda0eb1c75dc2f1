/** What a check found, and what mends it where there is something to mend. */
export type Finding =
  | { readonly status: 'ok' | 'skipped'; readonly found: string }
  | { readonly status: 'warning' | 'problem'; readonly found: string; readonly mend: string };

/** One question of the doctor's. It may be asked only where it stands on what it needs to know. */
export interface Check<Ground> {
  /** As in `--json`: it stays. */
  readonly name: string;
  /** What is asked, in a few words, for `docs/commands.md`. */
  readonly asks: string;
  /** What it throws is a problem, too. */
  readonly run: (ground: Ground) => Finding | Promise<Finding>;
}

/** All is well. */
export function ok(found: string): Finding {
  return { status: 'ok', found };
}

/** The gateway works, and yet somebody should know. */
export function warning(found: string, mend: string): Finding {
  return { status: 'warning', found, mend };
}

/** The gateway would not start, or not work. */
export function problem(found: string, mend: string): Finding {
  return { status: 'problem', found, mend };
}

/** It could not be asked, or there is nothing to ask. */
export function skipped(found: string): Finding {
  return { status: 'skipped', found };
}

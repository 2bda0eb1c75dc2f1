import { codeOf, reasonOf } from './diagnosis.ts';
import { isUsable, schemaTrouble } from './schema-state.ts';
import type { SchemaState } from './schema-state.ts';

/** What keeps a gateway from writing to the schema `postern`. */
export interface Hindrance {
  readonly reason: string;
  readonly mend: string;
  /** `lasting`: until somebody mends it. `awaited`: just what is being done about it. */
  readonly kind: 'passing' | 'lasting' | 'awaited';
}

const MIGRATE = 'run postern migrate';
const GRANT =
  'as the owner of the schema postern: postern migrate --grant, with the gateway’s role';

/** A table is there, and this role may not use it. */
export const FORBIDDEN: Hindrance = { reason: '42501', mend: GRANT, kind: 'lasting' };

/** What somebody has to mend, by SQLSTATE. */
const lasting: Readonly<Record<string, string>> = {
  '25006': 'name the primary in POSTERN_DATABASE_URL, and see to default_transaction_read_only',
  '3F000': MIGRATE,
  '42501': GRANT,
  '42703': MIGRATE,
  '42P01': MIGRATE,
};

const PASSING =
  'see to PostgreSQL, and to locks on tables of the schema postern: it is tried again';

/** How a write failed. */
export function hindranceBy(error: unknown): Hindrance {
  const mend = lasting[codeOf(error) ?? ''];
  const kind = mend === undefined ? 'passing' : 'lasting';
  return { reason: reasonOf(error), mend: mend ?? PASSING, kind };
}

/** Why a schema is not written to; undefined: it is. */
export function hindranceIn(
  schema: SchemaState,
  { migrates }: { readonly migrates: boolean },
): Hindrance | undefined {
  if (isUsable(schema)) return undefined;
  const trouble = schemaTrouble(schema);
  if (trouble !== undefined) return { reason: trouble.found, mend: trouble.mend, kind: 'lasting' };
  return {
    reason: 'its tables are not there',
    mend: MIGRATE,
    kind: migrates ? 'awaited' : 'lasting',
  };
}

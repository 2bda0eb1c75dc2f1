import { closingFailures } from './closing-failures.ts';
import { refusals } from './refusals.ts';

/**
 * Every way a connection can fail. The gateway, the clients' retry logic and `docs/failures.md` read
 * this table.
 */
export const failures = { ...closingFailures, ...refusals };

import { readFile } from 'node:fs/promises';

import { GatewayError } from '../../errors.ts';

/** PostgreSQL refuses to run as root. This account is on every system, owns nothing there, and initdb finds its name. */
const UNPRIVILEGED = 'nobody';

/** An account of the operating system, by its numbers. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account that PostgreSQL runs as: `undefined` is our own, and only root gets another.
 * Throws `POSTERN_EMBEDDED_POSTGRES` where there is none to run as.
 */
export async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;

  const account = findAccount(await readFile('/etc/passwd', 'utf8'), UNPRIVILEGED);
  if (account !== undefined) return account;
  throw new GatewayError('POSTERN_EMBEDDED_POSTGRES', {
    detail: `PostgreSQL does not run as root, and there is no account "${UNPRIVILEGED}" to run it as. Start postern as another user than root.`,
  });
}

/** Looks up an account in the text of a passwd file (passwd(5)). */
export function findAccount(passwd: string, name: string): Account | undefined {
  const fields = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((line) => line[0] === name);
  const [uid, gid] = [fields?.[2], fields?.[3]].map(toId);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** Never 0: an entry that makes the account root is not what we look for. */
function toId(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { bindAddress } from '../../http/bind.ts';
import { ok, problem, skipped, warning } from './check.ts';
import type { Check, Finding } from './check.ts';
import type { Configured } from './ground.ts';

/** What this machine gives the gateway. */
export const machineChecks: readonly Check<Configured>[] = [
  { name: 'port', asks: 'whether the port can be had', run: port },
  { name: 'files', asks: 'how many connections the system allows the process', run: files },
];

async function port({ options }: Configured): Promise<Finding> {
  if (options.port === 0) return ok('a free one');
  const server = createServer();
  try {
    server.listen({ ...bindAddress(options.host), port: options.port });
    await once(server, 'listening');
    server.close();
    return ok(`${options.port} is free`);
  } catch (error) {
    return whyNot(error, options.port);
  }
}

function whyNot(error: unknown, wanted: number): Finding {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === 'EADDRINUSE')
    return warning(
      `${wanted} is taken: by a gateway that runs already, or by another program`,
      'if it is not the gateway itself: stop that program, or set POSTERN_PORT',
    );
  if (code === 'EACCES')
    return problem(`${wanted} is not for this account`, 'set POSTERN_PORT to 1024 or more');
  return problem(`it cannot be listened on (${code})`, 'correct POSTERN_HOST');
}

/** Below this, the default of many systems, a busy gateway runs out of descriptors. */
const FEWEST_FILES = 4_096;

/** Each connection is an open file. Node has raised its own limit as far as it may by now. */
function files(): Finding {
  const limit = openFileLimit();
  if (limit === undefined) return skipped('this system does not say');
  return limit < FEWEST_FILES
    ? warning(
        `${limit} open files at most: about so many clients, less fifty`,
        'raise the limit: ulimit -Hn, or LimitNOFILE= of a systemd unit',
      )
    : ok(`${limit === Infinity ? 'no limit of' : limit} open files`);
}

function openFileLimit(): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
    if (soft === undefined) return undefined;
    return soft === 'unlimited' ? Infinity : Number(soft);
  } catch {
    // Linux has it there, others nowhere.
    return undefined;
  }
}

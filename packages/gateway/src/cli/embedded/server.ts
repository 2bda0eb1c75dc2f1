import { GatewayError } from '../../errors.ts';
import type { Account } from './account.ts';
import { explain } from './explain.ts';
import { firstArguments } from './left-behind.ts';
import { shutDown } from './processes.ts';
import { startProgram } from './programs.ts';
import type { Program } from './programs.ts';

/** Recovery after a crash comes before the first connection, and may take a while. */
const READY_WITHIN_SECONDS = 60;
const READY = 'database system is ready to accept connections';

/** What to start. */
export interface ServerPlan {
  /** The program. */
  readonly postgres: string;
  readonly dataDir: string;
  /** `undefined` is our own. */
  readonly account: Account | undefined;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly onLog: (line: string) => void;
}

/** A server that accepts connections. */
export interface Server {
  readonly port: number;
  /** Process id of the postmaster. */
  readonly pid: number;
  /** Resolves when it has ended, at once when it had ended before. */
  stop(): Promise<void>;
}

/** Starts a server and waits until it accepts connections. Throws `POSTERN_EMBEDDED_POSTGRES`. */
export async function startServer(plan: ServerPlan): Promise<Server> {
  let noteReady = (): void => {};
  const program = startProgram({
    file: plan.postgres,
    args: argumentsFor(plan),
    account: plan.account,
    onLine: (line) => {
      if (line.includes(READY)) noteReady();
      plan.onLog(line);
    },
  });

  const ready = await new Promise<boolean>((settle) => {
    const timer = setTimeout(settle, READY_WITHIN_SECONDS * 1000, false);
    noteReady = () => settle(true);
    void program.ended.then(() => {
      clearTimeout(timer);
      settle(false);
    });
  });
  const { pid } = program;
  if (ready && pid !== undefined) return { port: plan.port, pid, stop: () => end(program, pid) };

  if (pid !== undefined) await end(program, pid);
  throw explain(program.said());
}

function argumentsFor({ dataDir, port, settings }: ServerPlan): readonly string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    ...settings,
  };
  const rest = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return [...firstArguments(dataDir), ...rest];
}

async function end(program: Program, pid: number): Promise<void> {
  if (program.hasEnded()) return;
  if (!(await shutDown(pid, async () => program.hasEnded()))) {
    throw new GatewayError('POSTERN_EMBEDDED_POSTGRES', {
      detail: `The server (process ${pid}) does not end. Kill it.`,
    });
  }
  await program.ended;
}

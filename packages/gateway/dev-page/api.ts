/** How the gateway ends a connection: a row of its failure table. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
  readonly advice: string;
}

/** What the page has to know about the gateway that serves it. */
export interface Info {
  readonly version: string;
  readonly databaseChannel: string;
  readonly databaseUrl: string;
  readonly closings: readonly Closing[];
  readonly docs: readonly string[];
}

/** The channels that a token opens, and those of them that it may read and write. */
export interface Granted {
  readonly channels: readonly string[];
  readonly readable: readonly string[];
  readonly writable: readonly string[];
}

/** How far a token came in the gate, and what a handshake with it would be answered. */
export interface Explanation {
  readonly steps: readonly {
    readonly step: 'form' | 'signature' | 'claims' | 'grant';
    readonly outcome: 'passed' | 'failed' | 'not reached';
  }[];
  readonly verdict:
    | {
        readonly status: 101;
        readonly grant: Granted;
        readonly expiresAt?: number;
      }
    | { readonly status: 400 | 503; readonly text: string };
}

type Json = Readonly<Record<string, unknown>>;

/** Asks the gateway about itself. */
export async function fetchInfo(): Promise<Info> {
  const answer = await ask('/dev/info');
  return answer as Json & Info;
}

/** Has a token made for these claims, whatever they are. */
export async function makeToken(claims: Json): Promise<string> {
  const { token } = await ask('/dev/token', post(claims));
  return String(token);
}

/**
 * Has a token judged as if a handshake for `/<channel>/<token>` (no channel: `/<token>`) had come.
 * Rejects with an `AbortError` when the signal says that nobody waits for it any more.
 */
export async function explainToken(
  token: string,
  channel: string | undefined,
  signal: AbortSignal,
): Promise<Explanation> {
  const answer = await ask('/dev/explain', { ...post({ token, channel }), signal });
  return answer as Json & Explanation;
}

/** What went wrong, for people. */
export function wordsFor(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The object that a text holds as JSON; `undefined` when it holds none. */
export function parseObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined;
  } catch {
    return undefined;
  }
}

function post(body: Json): RequestInit {
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', headers, body: JSON.stringify(body) };
}

async function ask(path: string, init: RequestInit = {}): Promise<Json> {
  const response = await fetch(path, init).catch((cause: unknown) => {
    throw new Error('The gateway does not answer. Is it still running?', { cause });
  });
  const answer = parseObject(await response.text()) ?? {};
  if (response.ok) return answer;
  throw new Error(String(answer['message'] ?? `${response.status} ${response.statusText}`));
}

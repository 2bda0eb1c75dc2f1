import { dirname } from 'node:path';

import { startChild, startPostern } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import type { Scope, TestDatabase } from '../support/postgres.ts';
import { SECRET } from '../support/tokens.ts';

/** Environment variables; `undefined` leaves one out. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** One line of a log. */
export type Event = Readonly<Record<string, unknown>>;

/** `postern serve` as somebody starts it who has run postgres-websockets until now. */
export interface CompatibleStart {
  readonly child: Child;
  /** Everything logged so far. */
  readonly events: () => readonly Event[];
  /** Waits until clients are let in, and returns where it listens. */
  readonly ready: () => Promise<{ readonly address: string; readonly port: number }>;
}

/** A database, and the program to run on it: the one of this repository by default. */
export type Place = Pick<TestDatabase, 'url' | 'channel'> & {
  readonly program?: string | undefined;
};

/** Starts the program for the scope: variables of postgres-websockets, and what changes them. */
export function startCompatibly(
  scope: Scope,
  { url, channel, program }: Place,
  changes: Variables = {},
): CompatibleStart {
  const variables: Variables = {
    PGWS_DB_URI: url,
    PGWS_LISTEN_CHANNEL: channel,
    PGWS_JWT_SECRET: SECRET,
    PGWS_HOST: '127.0.0.1',
    PGWS_PORT: '0',
    ...changes,
  };
  const given = Object.entries(variables).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const env = Object.fromEntries(given);
  const child =
    program === undefined
      ? startPostern(scope, ['serve'], { env })
      : startChild(scope, program, ['serve'], { env, cwd: dirname(program) });
  return {
    child,
    events: () => child.stdout.split('\n').slice(0, -1).map(parseEvent),
    ready: async () => {
      // Many start at once where a file has many targets.
      await child.line(/"event":"ready"/, 60_000);
      const { address, port } = parseEvent(await child.line(/"event":"listening"/));
      return { address: String(address), port: Number(port) };
    },
  };
}

function parseEvent(line: string): Event {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

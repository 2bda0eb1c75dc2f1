import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Scope, TestDatabase } from '../../support/postgres.ts';
import { WsClient } from '../../support/ws-client.ts';
import { startCompatibly } from '../compatibility-start.ts';
import type { CompatibleStart, Variables } from '../compatibility-start.ts';
import { pathOf } from '../targets.ts';

/** What a variable does: sentences, and how each is proved. */
export type Sentences = Readonly<Record<string, () => Promise<void>>>;

/** Sentences by the name of their variable. */
export type VariableTable = Readonly<Record<string, Sentences>>;

/** What the scenarios of variables are written with. */
export interface Program {
  readonly database: TestDatabase;
  /** The scope of the test that runs. */
  readonly scope: Scope;
  /** A folder for files. */
  readonly folder: string;
  /** Starts the program with these variables changed. */
  readonly start: (changes: Variables) => CompatibleStart;
  /** Writes a file into the folder and returns its path. */
  readonly file: (name: string, text: string) => string;
}

/** A token for these claims is let in by a {@link startCompatibly} that changes no key. */
export const CHAT = { mode: 'rw', channel: 'chat' } as const;

/** The program, and a folder that lasts as long as `whole`. */
export function program(whole: Scope, scope: Scope, database: TestDatabase): Program {
  const folder = mkdtempSync(join(tmpdir(), 'postern-variables-'));
  whole.after(() => Promise.resolve(rmSync(folder, { recursive: true })));
  return {
    database,
    scope,
    folder,
    start: (changes) => startCompatibly(scope, database, changes),
    file: (name, text) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
  };
}

/** How a round trip differs from the usual one. */
interface Trip {
  /** That of a token for {@link CHAT} by default. */
  readonly path?: string;
  /** The certificate to trust; none, and no TLS, by default. */
  readonly ca?: string;
}

/** Sends a message and has it back: database, database channel and key are the right ones then. */
export async function roundTrip(port: number, { path, ca }: Trip = {}): Promise<string> {
  const url = `${ca === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}${path ?? (await pathOf(CHAT))}`;
  const client = await WsClient.connect(url, ca === undefined ? {} : { ca });
  client.send('hello');
  const text = await client.message();
  await client.close();
  return text;
}

import { rename, writeFile } from 'node:fs/promises';

import { handshake } from './exchange.ts';
import type { Scope } from './postgres.ts';
import { scratchFolder } from './scratch-folder.ts';
import { serve } from './served.ts';
import type { ServeOptions } from './served.ts';
import { inSeconds, signToken } from './tokens.ts';
import type { SignOptions } from './tokens.ts';

/** How often what is changed under load is changed. */
export const ROTATIONS = 10;

/** Writes a file as careful programs do: whoever reads it finds the old text or the new one. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** A file in a folder of its own. */
export async function fileWith(scope: Scope, text: string): Promise<string> {
  const path = `${await scratchFolder(scope)}/file`;
  await writeFile(path, text);
  return path;
}

/** `postern serve`, ready, and how often it has said something. */
export async function serveReady(scope: Scope, options: ServeOptions) {
  const served = await serve(scope, options);
  const { environment = {} } = options;
  if (environment['POSTERN_TLS_KEY'] === undefined) await served.ready();
  else await served.child.line(/"event":"ready"/);
  const count = (pattern: RegExp): number =>
    served.child.stdout.split('\n').filter((line) => pattern.test(line)).length;
  return { ...served, count };
}

/** A token that counts for a minute. */
export async function tokenBy(signing: SignOptions): Promise<string> {
  return signToken({ mode: 'rw', channel: 'chat', exp: inSeconds(60) }, signing);
}

/** What a handshake with this token is answered. */
export async function statusOf(port: number, token: string): Promise<number> {
  return (await handshake(port, { target: `/${token}` })).status;
}

/** Some who come all the time, one after the other, and what becomes of each. */
export function gather<Outcome>(come: () => Promise<Outcome>) {
  const outcomes: Outcome[] = [];
  let isOver = false;
  const keepComing = async (): Promise<void> => {
    while (!isOver) outcomes.push(await come());
  };
  const coming = [keepComing(), keepComing(), keepComing()];
  return {
    leave: async () => {
      isOver = true;
      await Promise.all(coming);
      return outcomes;
    },
  };
}

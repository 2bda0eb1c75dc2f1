import { startChild } from './child.ts';
import type { Scope } from './postgres.ts';
import { freshDatabase } from './postgres.ts';

/** Starts an example that has a server, as its header says, on a free port and a database of its own. */
export async function startExample(
  scope: Scope,
  name: string,
  environment: Readonly<Record<string, string>> = {},
) {
  const { url, query } = await freshDatabase(scope);
  const env = { DATABASE_URL: url, PORT: '0', ...environment };
  const child = startChild(scope, process.execPath, [`examples/${name}/server.js`], { env });
  const port = Number((await child.line(/^Open at /, 60_000)).split(':').at(-1));
  return { child, port, query, origin: `http://localhost:${port}` };
}

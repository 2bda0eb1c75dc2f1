import { startChild } from './child.ts';
import type { Scope } from './postgres.ts';
import { freshDatabase } from './postgres.ts';

/** Starts the example that has a login form, on a free port and a database of its own. */
export async function startBrowserLogin(scope: Scope) {
  const { url } = await freshDatabase(scope);
  const env = { DATABASE_URL: url, PORT: '0' };
  const child = startChild(scope, process.execPath, ['examples/browser-login/server.js'], { env });
  const port = Number((await child.line(/^Open at /, 60_000)).split(':').at(-1));
  return { child, port, origin: `http://localhost:${port}` };
}

import { startGateway } from './gateway.ts';
import type { TestGateway, TestGatewayOptions } from './gateway.ts';
import type { Scope } from './postgres.ts';
import { scrape } from './scrape.ts';
import type { Scrape } from './scrape.ts';

/** A gateway whose metrics can be read. */
export interface MeteredGateway extends TestGateway {
  readonly adminPort: number;
  readonly scrape: () => Promise<Scrape>;
}

/** Starts a gateway with an admin port. */
export async function startMetered(
  scope: Scope,
  options: TestGatewayOptions = {},
): Promise<MeteredGateway> {
  const environment: TestGatewayOptions['environment'] = {
    POSTERN_ADMIN_PORT: '0',
    ...options.environment,
  };
  const started = await startGateway(scope, { ...options, environment });
  const adminPort = started.gateway.adminAddress?.port ?? 0;
  const token = environment['POSTERN_ADMIN_TOKEN'];
  const lines = token === undefined ? [] : [`Authorization: Bearer ${token}`];
  return { ...started, adminPort, scrape: () => scrape(adminPort, lines) };
}

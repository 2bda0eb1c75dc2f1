import type * as Driver from 'pg';

/**
 * The driver of PostgreSQL, loaded for the first connection: that takes a while, and a gateway opens its
 * port before it connects.
 */
export async function driver(): Promise<typeof Driver> {
  return await import('pg');
}

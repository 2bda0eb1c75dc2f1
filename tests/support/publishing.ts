import assert from 'node:assert/strict';

import type { Database, DatabaseLog } from '#gateway/postgres/connect.js';
import { PublicationTables } from '#gateway/postgres/publication-tables.js';

import type { Scope } from './postgres.ts';
import type { Said } from './refreshing.ts';
import { makeSchema } from './spending.ts';
import { said } from './way-in.ts';
import type { WsClient } from './ws-client.ts';

/** The schema of a database, and what uses its tables as soon as they were looked at. */
export async function usableTables(scope: Scope, url: string, tidyMs = 60_000) {
  await makeSchema(scope, url);
  return (database: Database, log: DatabaseLog): PublicationTables =>
    lookAfter(scope, { database, log, tidyMs });
}

/** Begins to look after tables, whether they are there or not. */
export function lookAfter(
  scope: Scope,
  options: { readonly database: Database; readonly log: DatabaseLog; readonly tidyMs?: number },
): PublicationTables {
  const tables = new PublicationTables({ migrates: false, mendedMs: 200, ...options });
  scope.after(() => tables.stop());
  void tables.start();
  return tables;
}

/** A payload whose envelope NOTIFY does not take, and which begins with this. */
export const long = (begin: string, length = 9_000): string => begin.padEnd(length, '.');

/** Subscribes to a channel of postern.v1. */
export async function subscribe(client: WsClient, channel: string): Promise<void> {
  client.send(JSON.stringify({ type: 'subscribe', id: 1, channel }));
  assert.equal((await said(client))['type'], 'ok');
}

/** Publishes on postern.v1, and does not wait for the reply. */
export function publish(client: WsClient, payload: unknown, more: Said = {}): void {
  client.send(JSON.stringify({ type: 'publish', id: 7, channel: 'chat', payload, ...more }));
}

/** The next messages of a client of postern.v1, in short: payloads by what they begin with, and gaps. */
export async function heardV1(client: WsClient, count: number): Promise<readonly unknown[]> {
  const heard: unknown[] = [];
  while (heard.length < count) {
    const { type, payload, reason } = await said(client);
    if (type === 'message') heard.push(shortened(payload));
    else if (type === 'gap') heard.push(reason);
    else if (type !== 'ok') heard.push(type);
  }
  return heard;
}

/** The same of a raw client, whose payloads are texts. */
export async function heardRaw(client: WsClient, count: number): Promise<readonly unknown[]> {
  const heard: unknown[] = [];
  while (heard.length < count) heard.push(shortened(JSON.parse(await client.message())['payload']));
  return heard;
}

function shortened(payload: unknown): unknown {
  return typeof payload === 'string' ? payload.replace(/\.+$/, '') : payload;
}

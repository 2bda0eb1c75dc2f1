/**
 * Socket.IO with its PostgreSQL adapter, as the documentation of both sets them up. Argument: URL of the
 * database.
 */
import { createServer } from 'node:http';

import { createAdapter } from '@socket.io/postgres-adapter';
import pg from 'pg';
import { Server } from 'socket.io';

import { letIn } from './relay.ts';

/** It asks whether its clients are alive by text, which those of the bench do not answer: never, then. */
const HOUR_MS = 3_600_000;

const [url = ''] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url });
await pool.query(
  `CREATE TABLE socket_io_attachments
     (id bigserial UNIQUE, created_at timestamptz DEFAULT now(), payload bytea)`,
);
const server = createServer();
new Server(server, { adapter: createAdapter(pool), pingInterval: HOUR_MS });
letIn(server);

import assert from 'node:assert/strict';

import { listen } from '../../support/listen.ts';
import { until } from '../../support/wait.ts';
import { WsClient } from '../../support/ws-client.ts';
import { pathOf } from '../targets.ts';
import { CHAT, roundTrip } from './program.ts';
import type { Program, Sentences, VariableTable } from './program.ts';

/** The variables of the database and of what is listened to there. */
export function postgresVariables(program: Program): VariableTable {
  return {
    PGWS_DB_URI: databaseUri(program),
    PGWS_LISTEN_CHANNEL: listenChannel(program),
    PGWS_POOL_SIZE: poolSize(program),
    PGWS_RETRIES: retries(program),
    PGWS_CHECK_LISTENER_INTERVAL: checkListenerInterval(program),
  };
}

function databaseUri({ start, file, database }: Program): Sentences {
  return {
    'names the database': async () => {
      await roundTrip((await start({ PGWS_DB_URI: database.url }).ready()).port);
    },
    'is read from a file after @': async () => {
      const { ready } = start({ PGWS_DB_URI: `@${file('uri', `${database.url}\n`)}` });
      await roundTrip((await ready()).port);
    },
    'is asked for when it is not there, and `postern dev` is named': async () => {
      const { child } = start({ PGWS_DB_URI: undefined });
      assert.equal((await child.exited()).code, 2);
      assert.match(child.stderr, /POSTERN_DATABASE_URL is not set.*postern dev/s);
    },
  };
}

function listenChannel({ start, scope, database }: Program): Sentences {
  const heardOn = async (channel: string, given: string | undefined): Promise<void> => {
    const { ready } = start({ PGWS_LISTEN_CHANNEL: given });
    const listener = await listen(scope, { ...database, channel });
    const text = await roundTrip((await ready()).port);
    assert.deepEqual(await listener.heard(1), [text]);
  };
  return {
    'names the database channel': () => heardOn('Another "one"', 'Another "one"'),
    'is postgres-websockets-listener when nothing is said': () =>
      heardOn('postgres-websockets-listener', undefined),
  };
}

function poolSize({ start, database }: Program): Sentences {
  return {
    'is the most connections that there are beside the one that listens': async () => {
      const changes = { PGWS_POOL_SIZE: '1', PGWS_CHECK_LISTENER_INTERVAL: '10' };
      const { port } = await start(changes).ready();
      const client = await WsClient.connect(`ws://127.0.0.1:${port}${await pathOf(CHAT)}`);
      const sql = `SELECT FROM pg_stat_activity WHERE datname = $1 AND application_name = 'postern'`;

      const counts = new Set<number>();
      for (let n = 0; n < 100; n += 1) {
        client.send('busy');
        await client.message();
        counts.add((await database.query(sql, [database.name])).length);
      }
      await client.close();
      assert.deepEqual([...counts], [2]);
    },
  };
}

function retries({ start }: Program): Sentences {
  return {
    'is how often an unreachable database is tried': async () => {
      const uri = 'postgres://user:hunter2@127.0.0.1:1/nowhere';
      const { child } = start({ PGWS_DB_URI: uri, PGWS_RETRIES: '2' });
      assert.equal((await child.exited()).code, 1);
      assert.equal(child.stdout.split('"event":"database_retry"').length - 1, 1);
      assert.match(child.stderr, /could not be reached, 2 times \(ECONNREFUSED\)/);
      assert.doesNotMatch(child.stdout + child.stderr, /hunter2/);
    },
  };
}

function checkListenerInterval({ start, scope, database }: Program): Sentences {
  const killListener = async (): Promise<void> => {
    const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = $1 AND application_name = 'postern' AND query LIKE 'LISTEN%'`;
    const killed = async () => (await database.query(sql, [database.name])).length > 0;
    await until('a listener to kill', killed);
  };
  const survives = async (interval: string): Promise<void> => {
    const { child, ready } = start({ PGWS_CHECK_LISTENER_INTERVAL: interval });
    const { port } = await ready();
    const client = await WsClient.connect(`ws://127.0.0.1:${port}${await pathOf(CHAT)}`);
    await killListener();
    await child.line(/"event":"listener_restored"/);
    client.send('still here');
    assert.equal(JSON.parse(await client.message()).payload, 'still here');
    await client.close();
  };
  return {
    'ends the program when the listener is lost and nothing is said': async () => {
      const { child, ready } = start({});
      await ready();
      await killListener();
      assert.equal((await child.exited()).code, 1);
      assert.match(child.stderr, /notifications no longer arrive/);
    },
    'has the listener replaced, and connections kept, when it is set': () => survives('5000'),
    'has it replaced when it is 0, too': () => survives('0'),
    'is the milliseconds between two checks': async () => {
      const nonces = await listen(scope, { ...database, channel: 'postern.private' });
      await start({ PGWS_CHECK_LISTENER_INTERVAL: '20' }).ready();
      await nonces.heard(10);
    },
  };
}

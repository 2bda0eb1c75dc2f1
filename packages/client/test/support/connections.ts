import type { TestContext } from 'node:test';

import { Connection } from '#client/connection.js';
import type { Announcement, ConnectionEnd } from '#client/connection.js';
import type { WelcomeMessage } from '#client/protocol.js';

import { fakeSockets } from './fake-socket.ts';
import type { FakeSocket } from './fake-socket.ts';
import { stopTime } from './time.ts';

/** A connection whose other side is the test, and what it has told. */
export interface TestConnection {
  readonly connection: Connection;
  readonly socket: FakeSocket;
  readonly welcomes: readonly WelcomeMessage[];
  readonly announcements: readonly Announcement[];
  readonly ends: readonly ConnectionEnd[];
}

/** Begins a connection. Time stands still. */
export function connect(t: TestContext, token?: string): TestConnection {
  stopTime(t);
  return connectAgain(token);
}

/** Another one, in a test whose time stands still already. */
export function connectAgain(token?: string): TestConnection {
  const { Socket, last } = fakeSockets();
  const welcomes: WelcomeMessage[] = [];
  const announcements: Announcement[] = [];
  const ends: ConnectionEnd[] = [];
  const credential = {
    url: 'wss://rt.example.com/ws',
    protocols: ['postern.v1'],
    ...(token !== undefined && { token }),
  };
  const connection = new Connection(Socket, credential, {
    onWelcome: (welcome) => void welcomes.push(welcome),
    onAnnouncement: (announcement) => void announcements.push(announcement),
    onEnd: (end) => void ends.push(end),
  });
  return { connection, socket: last(), welcomes, announcements, ends };
}

/** Built apart from the other tests, since the types of Hono want a browser's. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';

import { getRequestListener } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import type { Gateway } from 'postern';

/** Makes a server with a gateway in its routes, as the example of its framework does. */
export type Embed = (gateway: Gateway) => Server | Promise<Server>;

/** The servers that a gateway is embedded in. Each answers 404 to whatever is not the gateway's. */
export const embeddings = {
  'node:http': (gateway) =>
    createServer((request, response) => {
      if (gateway.handler(request, response)) return;
      response.statusCode = 404;
      response.end();
    }),

  Express: (gateway) => createServer(express().use(gateway.handler)),

  Fastify: async (gateway) => {
    const app = fastify();
    app.addHook('onRequest', async (request, reply) => {
      if (gateway.handler(request.raw, reply.raw)) reply.hijack();
    });
    await app.ready();
    return app.server;
  },

  Hono: (gateway) => {
    const answer = getRequestListener(new Hono().fetch);
    return createServer((request, response) => {
      if (!gateway.handler(request, response)) void answer(request, response);
    });
  },
} as const satisfies Readonly<Record<string, Embed>>;

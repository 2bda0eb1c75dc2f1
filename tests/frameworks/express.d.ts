/** Express has no types of its own: as much of it as the embedding uses. */
declare module 'express' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

  type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
  interface Application extends RequestListener {
    use(middleware: Middleware): this;
  }
  export default function express(): Application;
}

/**
 * Names by which a browser reaches the computer that it runs on. Where only they are answered, a page
 * of another site gains nothing by a name of its own that it made resolve to 127.0.0.1 (DNS rebinding):
 * such a page is of the same origin as what it asks for, but cannot make a browser send these.
 */
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/** The same names, and any other of this computer's, as a host without a port: for the public port. */
const LOOPBACK_NAME = /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/** Whether a host, without its port, is this very computer. */
export function isLoopbackName(host: string): boolean {
  return LOOPBACK_NAME.test(host);
}

/** Whether a Host header names this very computer. */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK_HOST.test(host);
}

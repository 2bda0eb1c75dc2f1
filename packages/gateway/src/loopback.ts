/** This very computer, as names and addresses have it (RFC 6761 §6.3; 127.0.0.0/8; ::1). */
const LOOPBACK_NAME = /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/**
 * The few of them that a page's address has. Where only they are answered, a page of another site gains
 * nothing by a name of its own that it made resolve to 127.0.0.1 (DNS rebinding): such a page is of the
 * same origin as what it asks for, but cannot make a browser send these.
 */
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/** Whether a host, without its port, is this very computer. */
export function isLoopbackName(host: string): boolean {
  return LOOPBACK_NAME.test(host);
}

/** Whether an option such as `host` binds a port that only this computer reaches. */
export function bindsLoopback(host: string): boolean {
  return isLoopbackName(host.includes(':') ? `[${host}]` : host);
}

/** Whether a Host header has one of the usual names of this very computer. */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK_HOST.test(host);
}

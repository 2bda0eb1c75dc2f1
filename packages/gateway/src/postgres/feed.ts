import type { GatewayError } from '../errors.ts';

/**
 * Brings in what PostgreSQL hands over, one text per notification, in commit order. It keeps itself
 * alive: a feed that went down comes up again by itself.
 */
export interface Feed {
  /**
   * Resolves when the feed is up for the first time. Rejects with a `GatewayError` that names the
   * mend when waiting cannot help, and with the `AbortError` of its own when it is stopped meanwhile.
   */
  start(): Promise<void>;
  /** Ends the feed for good; `down` is not told. Stopping twice is harmless. */
  stop(): Promise<void>;
  /** Whether notifications arrive, as far as has been proved. */
  readonly up: boolean;
}

/** Who a feed tells. None of these may throw. */
export interface FeedListener {
  /** A notification. After a break the first ones can come just before `up` is told. */
  notified(text: string): void;
  /** Notifications arrive. What was sent between `down` and here may be missing. */
  up(): void;
  /** Notifications no longer arrive; `reason` is for the log. */
  down(reason: string): void;
  /** Told after `down`, once and last, when the feed is set to give up instead of coming back. */
  lost(error: GatewayError): void;
}

/** A request, as far as preauthentication makes one. Cookies go along with it, unless it says otherwise. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly omitsCookies: boolean;
}

/** What came of it. The text of an answer that goes on for ever is empty. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** Makes a request. Undefined: nothing came, or a browser lets nobody see it. */
export type SendRequest = (
  request: HttpRequest,
  answer: (answer: HttpAnswer | undefined) => void,
) => void;

/** What goes on for ever once it is good: only its status is wanted. */
export const EVENT_STREAM = 'text/event-stream';

/** How long an answer may take, in milliseconds. */
export const PATIENCE_MS = 20_000;

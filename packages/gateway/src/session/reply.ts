import { failures } from '@postern/client/protocol';
import type { ErrorReply, FailureCode, GatewayMessage, Retry } from '@postern/client/protocol';
import { messageFrame } from './frame.ts';
import type { Closing, Session } from './session.ts';

/** What is wrong with the channel of a command. */
export const NOT_NAMEABLE =
  'A channel is named by 1 to 200 bytes, without *, {, } and control characters';

/** Sends one message of `postern.v1` to one session. */
export function send(session: Session, message: GatewayMessage): void {
  session.deliver(messageFrame(message));
}

/** The reply to a command that does not say what it must. */
export function badCommand(id: number, problem: string): ErrorReply {
  return errorReply(id, failures.badMessage, { message: problem });
}

/** What a reply says otherwise than its row of the failure table. */
export interface Wording {
  /** The finer code. */
  readonly code?: FailureCode | undefined;
  /** Constant: never holds input. */
  readonly message?: string | undefined;
  /** Whether to try again, where that is another matter for the finer code. */
  readonly retry?: Retry | undefined;
}

/** The reply to a command that is not carried out, by a row of the failure table. */
export function errorReply(
  id: number,
  // Rows without a code end a session, and answer nothing.
  { code = failures.internal.code, reason, retry }: Closing,
  wording: Wording = {},
): ErrorReply {
  return {
    type: 'error',
    id,
    code: wording.code ?? code,
    message: wording.message ?? reason,
    retry: wording.retry ?? retry,
  };
}

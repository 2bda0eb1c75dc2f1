/** What went wrong, in one place. The keys are API; the texts are for people. */
export const errorTexts = {
  POSTERN_CONFIG: 'The configuration is not valid',
  POSTERN_KEYS: 'The keys that verify tokens cannot be used',
  POSTERN_DATABASE: 'The database cannot be used',
  POSTERN_LISTEN_ADDRESS: 'The address cannot be listened on',
  POSTERN_STOPPED: 'The gateway was stopped, and does not start again: create a new one',
  POSTERN_EMBEDDED_POSTGRES: 'The embedded PostgreSQL cannot be run',
} as const;

export type ErrorCode = keyof typeof errorTexts;

interface GatewayErrorOptions extends ErrorOptions {
  /** What was found and how to mend it, for the operator. Never holds secrets. */
  readonly detail?: string;
}

/** The only error class this package throws. Match on `code`; find the origin in `cause`. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  /** What was found and how to mend it, without the text of the code. */
  readonly detail: string | undefined;

  constructor(code: ErrorCode, options: GatewayErrorOptions = {}) {
    const text = errorTexts[code];
    const { detail } = options;
    // Details of several lines begin on a line of their own.
    const separator = detail?.startsWith('\n') === true ? ':' : ': ';
    super(detail === undefined ? text : `${text}${separator}${detail}`, options);
    this.code = code;
    this.detail = detail;
  }
}

/** What ends a command and is for its caller to mend: said without a stack, with this exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** 1: it did not work out; 2: it was called wrongly, and calling it again so mends nothing. */
  readonly exitCode: 1 | 2;

  constructor(exitCode: 1 | 2, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

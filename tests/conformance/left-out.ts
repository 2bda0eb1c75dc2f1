/** What the error of a scenario begins with that could not be run; what it needs follows. */
export const LEFT_OUT = 'Left out, it needs ';

/**
 * A scenario cannot be run, since what it needs is not there. Where a run has started its gateways itself
 * that is a failure.
 */
export class LeftOut extends Error {
  override readonly name = 'LeftOut';

  /** `need` completes "it needs …". */
  constructor(need: string, options?: ErrorOptions) {
    super(LEFT_OUT + need, options);
  }
}

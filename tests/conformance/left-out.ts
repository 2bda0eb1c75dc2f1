/** A scenario cannot be run here. Where a run chose its gateways itself, that is a failure. */
export class LeftOut extends Error {
  override readonly name = 'LeftOut';
}

/**
 * Makes the check of the `Origin` header against the origins of pages that may connect. An empty list
 * passes everything. A request without `Origin` passes: no browser opens a socket without one, and a
 * token in the path is no ambient authority that a foreign page could borrow. Otherwise the origin
 * must be on the list byte for byte. `null` is nobody's own, so it is refused even when listed.
 */
export function createOriginCheck(
  allowed: readonly string[],
): (origin: string | undefined) => boolean {
  const origins = new Set(allowed.filter((origin) => origin !== 'null'));

  return (origin) => allowed.length === 0 || origin === undefined || origins.has(origin);
}

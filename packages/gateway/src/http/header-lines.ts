/**
 * The values of every line of a header, in their order. Node joins lines of one name, or drops all but
 * the first: who was sent two of them must not take them for one.
 *
 * @param name - In lower case.
 */
export function headerLines(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  );
}

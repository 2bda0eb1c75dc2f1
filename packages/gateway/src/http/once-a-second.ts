const SECOND_MS = 1000;

/**
 * Wraps what writes a line of the log that anybody can cause at will: the disk must not fill up with
 * it. It is called once a second at most, with how many calls before it were left out.
 */
export function onceASecond<Args extends readonly unknown[]>(
  write: (more: number, ...args: Args) => void,
): (...args: Args) => void {
  let nextMs = 0;
  let more = 0;
  return (...args) => {
    if (performance.now() < nextMs) {
      more += 1;
      return;
    }
    write(more, ...args);
    nextMs = performance.now() + SECOND_MS;
    more = 0;
  };
}

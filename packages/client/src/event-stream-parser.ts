/** One event, or a mark: an `id` without data, which is no event to a browser, and says how far a stream has come. */
export interface StreamEvent {
  readonly type: string;
  /** Undefined: a mark. */
  readonly data: string | undefined;
  /** Undefined: it is what it was before. */
  readonly id: string | undefined;
}

const LINE_END = /\r\n|\n|\r/;

/** The name of a field and its value, without the one blank that may stand before it. A comment has no name. */
const FIELD = /^([^:]+)(?:: ?(.*))?$/s;

/**
 * Reads a stream of events (HTML §9.2.6) by pieces, wherever it is cut into them: takes the next one, and returns
 * what it completes. When to come back is not for the stream to say, so `retry` is ignored.
 */
export function createEventStreamParser(): (piece: string) => readonly StreamEvent[] {
  let rest = '';
  let isAfterCr = false;
  let data: string | undefined;
  let type = '';
  let id: string | undefined;

  const take = (line: string): void => {
    const [, name, value = ''] = FIELD.exec(line) ?? [];
    if (name === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (name === 'event') type = value;
    else if (name === 'id' && !value.includes('\0')) id = value;
  };
  const dispatch = (): readonly StreamEvent[] => {
    const event = { type: type === '' ? 'message' : type, data, id };
    data = undefined;
    type = '';
    id = undefined;
    // Browsers say nothing of an empty one either.
    return event.data === undefined && event.id === undefined ? [] : [event];
  };

  return (piece) => {
    if (piece === '') return [];
    // A CR ends its line at once: what comes next may be a minute away. With it comes the LF, if there is one.
    const lines = (isAfterCr && piece.startsWith('\n') ? piece.slice(1) : piece).split(LINE_END);
    isAfterCr = piece.endsWith('\r');
    // Not all that waits is looked through once more: a line may be long, and come in many pieces.
    lines[0] = rest + (lines[0] ?? '');
    rest = lines.pop() ?? '';
    return lines.flatMap((line) => {
      if (line === '') return dispatch();
      take(line);
      return [];
    });
  };
}

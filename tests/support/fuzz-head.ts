/** A request as a lenient reader takes it. */
export interface Head {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** Names in lower case; values without the blanks around them. */
  readonly lines: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Whether every reader has to take it so: RFC 9112 to the letter, and not large. */
  readonly isStrict: boolean;
}

const STRICT = /^[A-Z]+ \/[!-~]* HTTP\/1\.1\r\n(?:[\w!#$%&'*+\-.^`|~]+:[\t -~\x80-\xff]*\r\n)*\r\n/;

/** Readers differ about blanks round a length, and about tabs in what they go by themselves. */
const ODD = /^(?:content-length:(?! ?\d+\r)|connection:.*\t)/im;

/** Up to so many bytes a head is read for sure, and from so many on it is not. */
const READ_BYTES = 15_000;
const UNREAD_BYTES = 20_000;

/** Reads a head, if there is a whole one. */
export function readHead(text: string): Head | undefined {
  const from = /[^\r\n]/.exec(text)?.index ?? 0;
  const end = /\r?\n\r?\n/.exec(text.slice(from));
  if (end === null) return undefined;

  const head = text.slice(from, from + end.index);
  const [first = '', ...rest] = head.split(/\r?\n|\r/);
  const [method = '', target = '', ...version] = first.trim().split(/[ \t]+/);
  const lines = rest.map((line): [string, string] => {
    const [name = '', ...value] = line.split(':');
    return [name.trim().toLowerCase(), blanksOff(value.join(':'))];
  });
  if (weightOf(target, lines) > UNREAD_BYTES) return undefined;
  const isPlain = STRICT.test(text) && !ODD.test(`${head}\r\n`);
  const isStrict = from === 0 && isPlain && head.length < READ_BYTES;
  const body = text.slice(from + end.index + end[0].length);
  return { method, target, version: version.join(' '), lines, body, isStrict };
}

/** Every value of a header, in its order. */
export function valuesOf({ lines }: Head, name: string): readonly string[] {
  return lines.filter(([other]) => other === name).map(([, value]) => value);
}

/** The one value that lines of a name make up together; `undefined`: there is no such line. */
export function joined(head: Head, name: string): string | undefined {
  const values = valuesOf(head, name);
  return values.length === 0 ? undefined : values.join(', ');
}

/** Not `trim`, which takes off more than what HTTP calls a blank. */
const blanksOff = (value: string): string => value.replaceAll(/^[ \t]+|[ \t]+$/g, '');

const weightOf = (target: string, lines: Head['lines']): number =>
  lines.reduce((sum, [name, value]) => sum + name.length + value.length, target.length);

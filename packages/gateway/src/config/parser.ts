/** What came of something given: a value that is right, or what was expected in its place. */
export type Parsed<Value> = { readonly value: Value } | { readonly problems: readonly string[] };

/** Makes a value of untrusted input, and others of its kind. */
export interface Parser<Value> {
  /** Never says what was found: it may be a secret. */
  readonly parse: (given: unknown) => Parsed<Value>;
  /** Takes only values that this holds for. */
  readonly refine: (holds: (value: Value) => boolean, what: string) => Parser<Value>;
  /** Takes this for nothing. */
  readonly default: (fallback: Value) => Parser<Value>;
  /** Takes nothing for nothing. */
  readonly optional: () => Parser<Value | undefined>;
}

/** The parser that does this. */
export function parser<Value>(parse: Parser<Value>['parse']): Parser<Value> {
  const or = <Fallback>(value: Fallback) =>
    parser<Value | Fallback>((given) => (given === undefined ? { value } : parse(given)));
  return {
    parse,
    refine: (holds, what) =>
      parser((given) => {
        const parsed = parse(given);
        return 'problems' in parsed || holds(parsed.value) ? parsed : expected(what);
      }),
    default: (fallback) => or(fallback),
    optional: () => or(undefined),
  };
}

/** That something else was given. */
export function expected(what: string): { readonly problems: readonly string[] } {
  return { problems: [`expected ${what}`] };
}

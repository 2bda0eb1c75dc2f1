import type { Parser } from './parser.ts';

/** One option: how it is read, and what the table says of it beside its type. */
export interface Option<Value> {
  readonly parse: Parser<Value>['parse'];
  /** For people, in Markdown: meaning, unit, and what 0 or no value means. */
  readonly description: string;
  /** Other environment variables that mean the same, the first found wins. */
  readonly aliases: readonly string[];
}

/** Adds the table's own columns to a parser: one option, to be put into a group under its name. */
export function option<Value>(
  { parse }: Parser<Value>,
  description: string,
  aliases: readonly string[] = [],
): Option<Value> {
  return { parse, description, aliases };
}

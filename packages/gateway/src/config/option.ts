import * as z from 'zod';

/** What the option table says of an option beside its type. */
export interface OptionMeta {
  /** For people, in Markdown: meaning, unit, and what 0 or no value means. */
  readonly description: string;
  /** Other environment variables that mean the same, the first found wins. */
  readonly aliases: readonly string[];
}

const columns = z.registry<OptionMeta>();

/** Adds the table's own columns to a parser: one option, to be put into a group under its name. */
export function option<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  aliases: readonly string[] = [],
): Schema {
  columns.add(schema, { description, aliases });
  return schema;
}

/** The columns of an option. Throws for a parser that {@link option} did not make. */
export function optionMeta(name: string, schema: z.ZodType): OptionMeta {
  const meta = columns.get(schema);
  if (meta === undefined) throw new Error(`The option ${name} was not made by option()`);
  return meta;
}

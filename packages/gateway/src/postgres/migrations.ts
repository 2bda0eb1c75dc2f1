import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A step that the schema `postern` takes once, in every database. */
export interface Migration {
  /** From 1, without gaps: the order in which they run. */
  readonly number: number;
  /** Of its file, without `.sql`. */
  readonly name: string;
  readonly sql: string;
}

/** The sources are published, too: what is compiled to `dist/postgres/` finds them from there. */
const FOLDER = fileURLToPath(new URL('../../src/postgres/migrations/', import.meta.url));

const FILE_NAME = /^((\d{4})-[a-z-]+)\.sql$/;

/** Reads the migrations of this program, or those of another folder, in their order. */
export function readMigrations(folder = FOLDER): readonly Migration[] {
  const files = readdirSync(folder).toSorted();
  return files.map((file, index) => {
    const [, name, digits] = FILE_NAME.exec(file) ?? [];
    const number = Number(digits);
    if (name === undefined || number !== index + 1)
      throw new Error(
        `Migration ${index + 1} is to be named ${index + 1}-name.sql, with 4 digits: ${file}`,
      );
    return { number, name, sql: readFileSync(`${folder}/${file}`, 'utf8') };
  });
}

/** A text, and how many bytes it has in UTF-8. */
interface CountedText {
  readonly text: string;
  readonly bytes: number;
}

/** Of the type `text`, in every PostgreSQL. */
const TEXT_OID = 25;

/** Dimensions, whether there are nulls, type, length, number of the first. */
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;

/**
 * Texts as a parameter of type `text[]`, in PostgreSQL's binary format. The driver writes a list as one
 * text, in which it escapes each quote of each envelope, for the server to undo that: it takes ten times as long.
 */
export function textArray(texts: readonly CountedText[]): Buffer {
  const size = texts.reduce((sum, { bytes }) => sum + LENGTH_BYTES + bytes, HEADER_BYTES);
  const array = Buffer.allocUnsafe(size);
  let end = 0;
  for (const field of [1, 0, TEXT_OID, texts.length, 1]) end = array.writeInt32BE(field, end);
  for (const { text, bytes } of texts) {
    end = array.writeInt32BE(bytes, end);
    end += array.write(text, end);
  }
  return array;
}

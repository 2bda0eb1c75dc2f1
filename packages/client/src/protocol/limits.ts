/** The largest `id` of a command. The smallest is 1. */
export const LARGEST_ID = 2 ** 31 - 1;

/** The longest token, in characters, wherever it stands: in a header, a query or an `auth`. */
export const LONGEST_TOKEN = 8_192;

/** How long a connection that brought no credential may take until its `auth` has come. */
export const AUTH_SECONDS = 5;

/** The longest key of a `publish`, in characters. */
export const LONGEST_KEY = 200;

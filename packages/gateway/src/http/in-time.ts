/** How long code of an embedding program may think. Its client waits as long. */
const ANSWER_MS = 5_000;

/** Waits for an embedding program. Rejects with what it throws, or when it has not answered in time. */
export async function inTime<T>(ask: () => T | Promise<T>, answerMs = ANSWER_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new Error(`no answer within ${answerMs / 1000} s`);
    timer = setTimeout(() => reject(error), answerMs).unref();
  });
  try {
    return await Promise.race([ask(), late]);
  } finally {
    clearTimeout(timer);
  }
}

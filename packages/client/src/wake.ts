/** Calls when the network is back, and when somebody looks at the page again. Returns what ends that. */
export function onWake(wake: () => void): () => void {
  // Nothing of it is there in a program, and no document in a worker.
  if (typeof addEventListener !== 'function') return () => undefined;
  const page = typeof document === 'object' ? document : undefined;
  const look = (): void => {
    if (page?.visibilityState === 'visible') wake();
  };
  addEventListener('online', wake);
  page?.addEventListener('visibilitychange', look);
  return () => {
    removeEventListener('online', wake);
    page?.removeEventListener('visibilitychange', look);
  };
}

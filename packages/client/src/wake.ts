/** When the network is back, and when somebody looks at the page again. Both are told to the window. */
const EVENTS = ['online', 'visibilitychange'];

/** Calls when what was given up may be there again. Returns what ends that. */
export function onWake(wake: () => void): () => void {
  // Programs are told nothing of the kind.
  if (typeof addEventListener !== 'function') return () => undefined;
  EVENTS.forEach((name) => addEventListener(name, wake));
  return () => EVENTS.forEach((name) => removeEventListener(name, wake));
}

/**
 * Loaded into a gateway under measurement, by `--import` and with `--expose-gc`: at each SIGUSR2 it
 * collects garbage and writes what is left, one JSON object a line, to standard error.
 */
process.on('SIGUSR2', () => {
  // Twice: what a finalizer let go of in the first round is collected in the second.
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const memory = { rssBytes: rss, heldBytes: heapUsed + external };
  process.stderr.write(`${JSON.stringify({ ...memory, cpuSeconds: (user + system) / 1e6 })}\n`);
});

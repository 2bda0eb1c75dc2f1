import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Meters } from './meters.ts';
import type { Metric } from './metrics.ts';
import { metrics } from './metrics.ts';

/** What `/metrics` answers: the text format of Prometheus. */
export interface Exposition {
  readonly contentType: string;
  /** Reads everything, and writes it down. */
  text(): Promise<string>;
}

/**
 * Writes down what a gateway measures of itself, and what Node knows of the process. Histograms fill
 * from here on. The library behind it takes its time to load: load this file only for a reader.
 */
export function expose(meters: Meters): Exposition {
  const own = new Registry();
  for (const [key, metric] of Object.entries<Metric>(metrics)) register(own, meters, key, metric);
  const page = Registry.merge([own, processRegistry()]);
  return { contentType: page.contentType, text: () => page.metrics() };
}

function register(registry: Registry, meters: Meters, key: string, metric: Metric): void {
  const { name, help } = metric;
  const common = { name, help: help.replaceAll('`', ''), registers: [registry] };
  switch (metric.type) {
    case 'counter':
      new Counter({
        ...common,
        labelNames: Object.keys(metric.labels ?? {}),
        collect() {
          this.reset();
          for (const { labels, value } of meters.counts(key)) this.inc(labels, value);
        },
      });
      return;
    case 'gauge':
      new Gauge({
        ...common,
        collect() {
          this.set(meters.read(key));
        },
      });
      return;
    case 'histogram': {
      const histogram = new Histogram({ ...common, buckets: [...metric.buckets] });
      meters.distribution(key).pipe((value) => histogram.observe(value));
      return;
    }
    case 'info':
      new Gauge({ ...common, labelNames: [...metric.labels] }).set(meters.build, 1);
  }
}

let ofProcess: Registry | undefined;

/**
 * One for all gateways of the process, whose figures these are. What counts for it, the event loop's
 * clock and the observer of garbage collection, can never be stopped again.
 */
function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

import { startTargets } from '../targets.ts';
import type { Target } from '../targets.ts';

/** The variables of a gateway that tells the channel `meta` of its connections. */
export const metaVariables = { POSTERN_META_CHANNEL: 'meta' } as const;

/** Starts every target like that, once for all files of this process. */
export function startMetaTargets(): Promise<readonly Target[]> {
  return startTargets({ environment: metaVariables });
}

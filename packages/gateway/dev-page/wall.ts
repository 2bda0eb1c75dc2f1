import { find } from './dom.ts';

const STEP_MS = 320;

/** Shows a message on its way through the gate between the panes: to it (in), from it (out). */
export type ShowTraffic = (side: 'left' | 'right', direction: 'in' | 'out') => void;

/** Finds the wall; people who asked for less motion see the lamp, but nothing that moves. */
export function startWall(): ShowTraffic {
  const wall = find(document, '#wall', HTMLElement);
  const lamp = find(wall, '.lamp', SVGElement);
  const calm = matchMedia('(prefers-reduced-motion: reduce)');

  return (side, direction) => {
    lamp.animate([{ opacity: 1 }, { opacity: 1, offset: 0.4 }, {}], { duration: 900 });
    if (calm.matches) return;

    const sign = side === 'left' ? -1 : 1;
    const away = `translate(calc(${sign} * var(--reach-x)), calc(${sign} * var(--reach-y)))`;
    const near = 'translate(0, 0)';
    const path = direction === 'in' ? [away, near] : [near, away];
    // What comes out waits for what goes in: the real round trip is too short to see.
    const delay = direction === 'in' ? 0 : STEP_MS;
    const spark = wall.appendChild(document.createElement('i'));
    spark.className = 'spark';
    const flight = spark.animate(
      path.map((transform) => ({ transform, opacity: 1 })),
      { duration: STEP_MS, delay, easing: 'ease-in-out' },
    );
    flight.addEventListener('finish', () => spark.remove());
  };
}

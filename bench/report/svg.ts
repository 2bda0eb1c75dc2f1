/** What a picture of bars shows: some panels, one below the other. */
export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
  /** A line across all bars, at this part of their greatest length. */
  readonly mark?: { readonly at: number; readonly label: string };
}

/** One bar, what it is of, and what it says in words. */
export interface Line {
  readonly label: string;
  /** Of the greatest length that there is, which a longer one is cut to. */
  readonly length: number;
  readonly note: string;
  readonly tone: Tone;
}

/** Of ourselves, of others, or of what should not be. */
export type Tone = 'own' | 'other' | 'missed';

const WIDTH = 1000;
const LABELS_END = 440;
const GREATEST_LENGTH = 330;
const LINE_HEIGHT = 24;
const THICKNESS = 14;
const HEAD_HEIGHT = 56;
const GAP = 16;
/** From the middle of a line of text to where it stands. */
const BASELINE = 4;

/** Colours that can be read on white and, where a reader prefers that, on black. */
const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; }
    .label { text-anchor: end; }
    .mark { text-anchor: middle; }
    .own { fill: #2f81f7; }
    .other { fill: #8c959f; }
    .missed { fill: #d1242f; }
    line { stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 4 3; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .missed { fill: #f85149; }
      line { stroke: #9198a1; }
    }
  `;

/** Draws panels as SVG, without any library: a page shows it as it stands. */
export function drawPanels(panels: readonly Panel[]): string {
  const bodies: string[] = [];
  let top = 0;
  for (const panel of panels) {
    bodies.push(...draw(panel, top));
    top += heightOf(panel) + GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" role="img">`,
    `  <style>${STYLE}</style>`,
    ...bodies.map((element) => `  ${element}`),
    '</svg>',
    '',
  ].join('\n');
}

function heightOf({ lines }: Panel): number {
  return HEAD_HEIGHT + lines.length * LINE_HEIGHT;
}

function draw(panel: Panel, top: number): readonly string[] {
  const { title, lines, mark } = panel;
  const firstY = top + HEAD_HEIGHT;
  const head = text('title', { x: 8, y: top + 22 }, title);
  const bars = lines.flatMap((line, index) => drawLine(line, firstY + index * LINE_HEIGHT));
  if (mark === undefined) return [head, ...bars];
  const x = LABELS_END + mark.at * GREATEST_LENGTH;
  return [
    head,
    ...bars,
    text('mark', { x, y: firstY - 8 }, mark.label),
    `<line x1="${x}" y1="${firstY}" x2="${x}" y2="${top + heightOf(panel)}" />`,
  ];
}

function drawLine({ label, length, note, tone }: Line, y: number): readonly string[] {
  const middle = y + LINE_HEIGHT / 2;
  const width = Math.min(length, 1) * GREATEST_LENGTH;
  const size = `width="${width.toFixed(1)}" height="${THICKNESS}"`;
  return [
    text('label', { x: LABELS_END - 8, y: middle + BASELINE }, label),
    `<rect class="${tone}" x="${LABELS_END}" y="${middle - THICKNESS / 2}" ${size} />`,
    text('note', { x: LABELS_END + GREATEST_LENGTH + 8, y: middle + BASELINE }, note),
  ];
}

function text(kind: string, at: { readonly x: number; readonly y: number }, words: string): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text class="${kind}" x="${at.x}" y="${at.y}">${escaped}</text>`;
}

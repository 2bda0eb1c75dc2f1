import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A page of Markdown in the repository. */
export interface Page {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** A link to a place in the repository, with what it leads to. */
export interface Link {
  /** As it is written. */
  readonly target: string;
  /** Path from the root of the repository. */
  readonly path: string;
  /** What follows `#`; empty: the page itself. */
  readonly anchor: string;
}

/** The root of the repository. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));
const NO_SOURCE = /(^|\/)(node_modules|dist|build|coverage|\.[^/]*)\//;

/** Paths of all files below a folder of the repository, but for what was installed or built. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(`${root}/${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.relative(posix.normalize(root), posix.join(entry.parentPath, entry.name)))
    .filter((path) => !NO_SOURCE.test(path))
    .toSorted();
}

/** Reads a file of the repository. */
export function page(path: string): Page {
  return { path, text: readFileSync(`${root}/${path}`, 'utf8') };
}

/** The relative links of a page, those in code left out. */
export function linksOf({ path, text }: Page): readonly Link[] {
  return [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor = ''] = target.split('#', 2);
      return {
        target,
        path: file === '' ? path : posix.join(posix.dirname(path), file),
        anchor,
      };
    });
}

/** What links to the headings of a page end in: lower case, no punctuation, hyphens for spaces. */
export function anchorsOf({ text }: Page): readonly string[] {
  return headingsOf(text).map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}

/** The headings, without their hashes. */
export function headingsOf(text: string): readonly string[] {
  return [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
}

/** What stands in blocks of code in the given language. */
export function codeBlocks(text: string, language: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map(
    ([, code = '']) => code,
  );
}

/** A page's text without its blocks of code. */
export function withoutBlocks(text: string): string {
  return text.replaceAll(/^```[^]*?^```/gm, '');
}

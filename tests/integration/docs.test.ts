import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { WebSocket } from 'ws';

import { failures } from '#client/protocol.js';
import type { Failure } from '#client/protocol.js';
import { tokenProblems } from '#gateway/auth/problems.js';
import { optionRows } from '#gateway/config/options.js';
import { errorTexts } from '#gateway/errors.js';

import { messages } from '../conformance/v1/grammar.ts';
import { startGateway } from '../support/gateway.ts';
import { startMetered } from '../support/metered.ts';
import {
  anchorsOf,
  codeBlocks,
  filesBelow,
  headingsOf,
  linksOf,
  page,
  withoutBlocks,
} from '../support/pages.ts';
import { signToken } from '../support/tokens.ts';
import { inTime, until } from '../support/wait.ts';

const files = filesBelow('.');
const pages = files.filter((path) => path.endsWith('.md')).map(page);
const documents = pages.filter(({ path }) => path === 'README.md' || path.startsWith('docs/'));
const sources = files.filter((path) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path));

/** Close codes that pages speak of though the gateway's table has them not. */
const foreignCodes = new Map([[1006, 'never sent: what a client sees of a broken connection']]);

/** A page of the repository in a comment, and the section's number if there is one. */
const PAGE_NAMED = /(?<![\w/])(docs\/[\w/-]+\.md)(?: §(\d[\d.]*\d|\d))?/g;

describe('the pages', () => {
  it('have no link that leads nowhere', () => {
    for (const from of pages) {
      for (const { target, path, anchor } of linksOf(from)) {
        const where = `${from.path}: ${target}`;
        assert.ok(
          files.some((file) => file === path || file.startsWith(`${path}/`)),
          where,
        );
        if (anchor !== '') assert.ok(anchorsOf(page(path)).includes(anchor), where);
      }
    }
  });

  it('can all be reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const path of reached) {
      if (!path.endsWith('.md')) continue;
      for (const link of linksOf(page(path))) reached.add(link.path);
    }
    assert.deepEqual(
      documents.map(({ path }) => path).filter((path) => !reached.has(path)),
      [],
    );
  });

  it('name no variable that is not an option', () => {
    const known = new Set([
      ...optionRows.flatMap(({ env, aliases }) => [env, `${env}_FILE`, ...aliases]),
      ...Object.keys(errorTexts),
    ]);
    for (const { path, text } of documents) {
      for (const [name] of text.matchAll(/\b(?:POSTERN|PGWS)_[A-Z0-9_]*[A-Z0-9]\b/g))
        assert.ok(known.has(name), `${path}: ${name}`);
    }
  });

  it('name no close code that the failure table has not', () => {
    const known = new Set<number | undefined>([...closeCodes(), ...foreignCodes.keys()]);
    for (const { path, text } of documents) {
      for (const code of codesIn(text)) assert.ok(known.has(code), `${path}: ${code}`);
    }
  });
});

describe('the README', () => {
  const { text } = page('README.md');

  it('has at most 150 lines', () => {
    assert.ok(text.trimEnd().split('\n').length <= 150);
  });

  it('names the commands to start with', () => {
    for (const command of ['npm start', 'npm test', 'postern serve'])
      assert.ok(text.includes(`\`${command}\``), command);
  });
});

describe('the page on the protocol', () => {
  const { text } = page('docs/protocol.md');

  it('has every close code of the failure table', () => {
    const named = new Set(codesIn(text));
    for (const code of closeCodes()) assert.ok(named.has(code), `${code}`);
  });

  it('has every text that a token is refused with, whole or up to its …', () => {
    const cells = [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, cell = '']) => cell);
    for (const { raw } of Object.values(tokenProblems)) {
      const isNamed = cells.some((cell) =>
        cell.endsWith(' …') ? raw.startsWith(cell.slice(0, -1)) : cell === raw,
      );
      assert.ok(isNamed, raw);
    }
  });

  it('has each message of the gateway’s, with the members that scenarios hold it against', () => {
    for (const [type, members] of Object.entries(messages)) {
      const [, cell = ''] = new RegExp(`^\\| \`${type}\` \\| ([^|]*) \\|`, 'm').exec(text) ?? [];
      const [named = ''] = cell.split(': `');
      const written = [...named.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
      const held = Object.keys(members).map((name) => name.replace('?', ''));
      assert.deepEqual(written.toSorted(), held.toSorted(), type);
    }
  });

  it('has a client that follows a channel from token to token, and stops when told to', async (t) => {
    const server = await startGateway(t);
    const { sockets, follow } = await clientOf(codeBlocks(text, 'js').at(-1) ?? '');
    const messages: string[] = [];
    const newToken = () =>
      signToken({ mode: 'rw', channel: 'räume', exp: Math.ceil(Date.now() / 1000) + 3 });
    const stopped = follow(server.wsUrl, 'räume', newToken, (message) => messages.push(message));

    const [first] = await until('the first connection', () => isOpen(sockets, 1));
    first?.send('one');
    const [, second] = await until('the second connection', () => isOpen(sockets, 2));
    second?.send('two');
    await until('both messages', () => messages.length === 2);
    assert.deepEqual(messages.map(payloadOf), ['one', 'two']);

    second?.send('x'.repeat(65_537));
    assert.equal(await inTime('the end', stopped), failures.messageTooBig.close);
  });
});

describe('the page on operating', () => {
  const { text } = page('docs/operating.md');

  it('has alarms on metrics, labels and values that there are', async (t) => {
    const { scrape } = await startMetered(t);
    const series = [...(await scrape()).keys()];
    const section = text.slice(text.indexOf('### Alarms'));
    const named = [...section.matchAll(/\b((?:postern|process|nodejs)_[a-z0-9_]+)(\{[^}]*\})?/g)];
    assert.ok(named.length >= 10);
    for (const [, name = '', labels = ''] of named) {
      const ofName = series.filter((one) => one.split('{', 1)[0] === name);
      assert.ok(ofName.length > 0, name);
      for (const [, label = '', values = ''] of labels.matchAll(/([a-z]+)!?=~?"([^"]*)"/g))
        for (const value of values.split('\\|'))
          assert.ok(
            ofName.some((one) => one.includes(`${label}="${value}"`)),
            `${name} ${value}`,
          );
    }
  });

  it('shows an audit line as it is written', () => {
    const line: unknown = JSON.parse(codeBlocks(text, 'json').at(-1) ?? '');
    assert.ok(typeof line === 'object' && line !== null);
    for (const field of ['audit', 'outcome', 'failure', 'address', 'user'])
      assert.ok(field in line, field);
  });
});

describe('the page on embedding', () => {
  const { text } = page('docs/embedding.md');

  it('has an example in full, as it is run by its test', () => {
    assert.deepEqual(codeBlocks(text, 'js'), [page('examples/express/server.js').text]);
  });
});

describe('the page on examples', () => {
  it('leads to every example, by way of the page on embedding or not', () => {
    const pages = [page('docs/examples.md'), page('docs/embedding.md')];
    const linked = pages.flatMap(linksOf).map(({ path }) => path.split('/')[1]);
    for (const path of filesBelow('examples')) {
      const [, name] = path.split('/');
      assert.ok(linked.includes(name), name);
    }
  });
});

describe('the page on migration', () => {
  it('has a row for every variable of postgres-websockets', () => {
    const { text } = page('docs/migration.md');
    for (const { env, aliases } of optionRows) {
      for (const alias of aliases.filter((name) => name.startsWith('PGWS_')))
        assert.ok(text.includes(`| \`${alias}\` | \`${env}\` |`), alias);
    }
  });
});

describe('the page on architecture', () => {
  const { text } = page('docs/architecture.md');
  const named = new Set([...text.matchAll(/[\w-]+\.ts\b/g)].map(([name]) => name));

  it('names every source file', () => {
    const names = sources.filter((path) => !/\/(embedded|groups)\//.test(path)).map(nameOf);
    assert.deepEqual(
      names.filter((name) => !named.has(name)),
      [],
    );
  });

  it('names no source file that is not there', () => {
    const names = new Set(files.map(nameOf));
    assert.deepEqual(
      [...named].filter((name) => !names.has(name)),
      [],
    );
  });
});

describe('comments', () => {
  it('name no page, and no section of one, that is not there', () => {
    for (const path of files.filter((file) => /\.(ts|js)$/.test(file))) {
      const { text } = page(path);
      for (const [where, name = '', section = ''] of text.matchAll(PAGE_NAMED)) {
        assert.ok(files.includes(name), `${path}: ${where}`);
        const isThere = headingsOf(page(name).text).some((heading) => heading.startsWith(section));
        assert.ok(isThere, `${path}: ${where}`);
      }
    }
  });
});

function closeCodes(): readonly number[] {
  return Object.values<Failure>(failures)
    .map(({ close }) => close)
    .filter((code) => code !== undefined);
}

/**
 * The numbers that can only be close codes: of their ranges, standing alone. One in backticks is a
 * value, one beside a colon, comma or hyphen a port, a bigger number or a range.
 */
function codesIn(text: string): readonly number[] {
  const alone = /(?<![\w:=,./§`-]|RFC |below )(?:10[01]\d|[34]\d{3})(?![\w`]|-\d)/g;
  return [...withoutBlocks(text).matchAll(alone)].map(([code]) => Number(code));
}

type Follow = (
  origin: string,
  channel: string,
  newToken: () => Promise<string>,
  onMessage: (message: string) => void,
) => Promise<number>;

/** Loads the code as a browser would, but for its WebSocket, and keeps the sockets that it opens. */
async function clientOf(code: string) {
  const sockets: WebSocket[] = [];
  const browser = {
    WebSocket: function (url: string) {
      const socket = new WebSocket(url);
      // What a browser tells by `close` alone.
      socket.on('error', () => undefined);
      sockets.push(socket);
      return socket;
    },
  };
  Object.assign(globalThis, browser);
  const source = `${code}\nexport { follow };`;
  const { follow }: { follow: Follow } = await import(
    `data:text/javascript,${encodeURIComponent(source)}`
  );
  return { sockets, follow };
}

/** The sockets, once the last of `count` is open. */
function isOpen(sockets: readonly WebSocket[], count: number): readonly WebSocket[] | undefined {
  return sockets[count - 1]?.readyState === WebSocket.OPEN ? sockets : undefined;
}

function payloadOf(message: string): unknown {
  const envelope: unknown = JSON.parse(message);
  return typeof envelope === 'object' && envelope !== null && 'payload' in envelope
    ? envelope.payload
    : undefined;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

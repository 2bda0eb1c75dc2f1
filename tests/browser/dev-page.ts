import assert from 'node:assert/strict';

import type { Browser, Locator, Page } from 'playwright-core';

import type { Scope } from '../support/postgres.ts';
import { enter } from './keyboard.ts';

/** For what follows at once: a message on its way, an answer of the gate. */
const PATIENCE_MS = 10_000;

/** The page of `postern dev`, both of its clients connected. */
export interface DevPage {
  readonly page: Page;
  readonly ada: Pane;
  readonly bo: Pane;
  /** All that it has asked for, over HTTP and by WebSockets. */
  readonly requests: readonly URL[];
}

/** How the page is looked at. */
export interface ViewOptions {
  /** Of the window, in pixels; 1280 by default. */
  readonly width?: number;
  /** Its gateway ends before it does: that each attempt to come back fails is in its console then. Default false. */
  readonly outlivesGateway?: boolean;
}

/**
 * Opens the page in a profile of its own until the end of the scope. Whatever is done there: an error
 * or a warning in its console fails the test.
 */
export async function openDevPage(
  scope: Scope,
  browser: Browser,
  url: string,
  { width = 1280, outlivesGateway = false }: ViewOptions = {},
): Promise<DevPage> {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: URL[] = [];
  page.on('console', (message) => {
    const isExpected = outlivesGateway && message.text().includes('ERR_CONNECTION_REFUSED');
    if (['error', 'warning'].includes(message.type()) && !isExpected)
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requests.push(new URL(request.url())));
  page.on('websocket', (socket) => requests.push(new URL(socket.url())));
  scope.after(async () => {
    await context.close();
    assert.deepEqual(complaints, [], 'The console of the page is not empty');
  });

  await page.goto(url);
  const panes = page.getByRole('article');
  const [ada, bo] = [new Pane(panes.first()), new Pane(panes.last())];
  await Promise.all([ada.reaches('Open'), bo.reaches('Open')]);
  return { page, ada, bo, requests };
}

/** One of the two clients on the page. */
export class Pane {
  readonly #root: Locator;

  constructor(root: Locator) {
    this.#root = root;
  }

  /** One of its controls, by role and accessible name. */
  control(role: 'button' | 'checkbox' | 'radio' | 'textbox', name: string): Locator {
    return this.#root.getByRole(role, { name, exact: true });
  }

  /** What it heard, and what happened to it. */
  get log(): Locator {
    return this.#root.getByRole('log', { name: 'Messages' });
  }

  /** How long its token still lives. */
  get countdown(): Locator {
    return this.#root.getByRole('timer');
  }

  /** Waits until this is said of its connection. */
  async reaches(state: string, deadlineMs = PATIENCE_MS): Promise<void> {
    const said = this.#root.page().getByText(state, { exact: true });
    await this.#root.getByRole('status').and(said).waitFor({ timeout: deadlineMs });
  }

  /** Writes a message and sends it. */
  async say(text: string): Promise<void> {
    await enter(this.control('textbox', 'Message'), text);
    await this.#root.page().keyboard.press('Enter');
  }

  /** Waits for a message, and returns its entry. Throws when it is there twice. `from` is as shown. */
  async hears(text: string, from: string): Promise<Locator> {
    const page = this.#root.page();
    const entry = this.log
      .locator('.message')
      .filter({ has: page.locator('.sender').and(page.getByText(from, { exact: true })) })
      .filter({ has: page.locator('.text').and(page.getByText(text, { exact: true })) });
    await entry.waitFor();
    return entry;
  }
}

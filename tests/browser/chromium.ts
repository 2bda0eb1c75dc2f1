import assert from 'node:assert/strict';

import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

import type { Scope } from '../support/postgres.ts';

/** It runs as root too, talks to nobody on its own account, and asks nothing at its first start. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the Chromium that the test runner has found, with a profile that is removed at its end. */
export async function startChromium(scope: Scope, flags: readonly string[] = []): Promise<Browser> {
  const executablePath = process.env['CHROMIUM_PATH'];
  assert.ok(executablePath, 'Run these tests by `npm test browser`, or set CHROMIUM_PATH');

  const browser = await chromium.launch({ executablePath, args: [...FLAGS, ...flags] });
  scope.after(() => browser.close());
  return browser;
}

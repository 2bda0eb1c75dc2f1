import assert from 'node:assert/strict';
import { after } from 'node:test';

import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

import type { Scope } from '../support/postgres.ts';
import { SITE_FLAGS } from './sites.ts';

/**
 * What this Chromium does without. Only the last list that it is given counts: most of this one is
 * Playwright's own. The first three draw what an address bar would suggest, in pages of their own for each
 * window, which take as much of the computer as all that a test does there.
 */
const FEATURES_OFF = [
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
  'WebUIOmniboxPopup',
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
];

/** It runs as root too, talks to nobody on its own account, and asks nothing at its first start. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--disable-features=${FEATURES_OFF.join(',')}`,
];

let shared: Promise<Browser> | undefined;

/**
 * The Chromium of all the files that share this process, which finds every site of the tests. It ends with
 * the process; whoever needs it has a profile of its own there.
 */
export function sharedChromium(): Promise<Browser> {
  return (shared ??= startChromium({ after }, SITE_FLAGS));
}

/** Starts the Chromium that the test runner has found, with a profile that is removed at its end. */
export async function startChromium(scope: Scope, flags: readonly string[] = []): Promise<Browser> {
  const executablePath = process.env['CHROMIUM_PATH'];
  assert.ok(executablePath, 'Run these tests by `npm test browser`, or set CHROMIUM_PATH');

  const browser = await chromium.launch({ executablePath, args: [...FLAGS, ...flags] });
  scope.after(() => browser.close());
  return browser;
}

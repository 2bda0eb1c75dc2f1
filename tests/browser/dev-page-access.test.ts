import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Page } from 'playwright-core';

import { failOnLeaks } from '../support/leaks.ts';
import { sharedChromium } from './chromium.ts';
import { openDevPage } from './dev-page.ts';
import type { DevPage } from './dev-page.ts';
import { sharedDev } from './dev-program.ts';

/** With fewer the tests would not see what they are about. */
const FEWEST_CONTROLS = 40;
const LONG_WORD = 'w'.repeat(300);

const [chromium, dev] = await Promise.all([sharedChromium(), sharedDev()]);
const scope = failOnLeaks();

describe('The page of postern dev, with all that it can show', () => {
  for (const width of [320, 768, 1280]) {
    it(`fits ${width} px, lets Tab go to every control in order, and names each of them`, async () => {
      const { page } = await openFull(width);
      await nothingIsCutOff(page, width);
      await tabLeadsEverywhere(page);
      await everythingHasAName(page);
    });
  }
});

/** Everything unfolded, and long words everywhere that words can come to. */
async function openFull(width: number): Promise<DevPage> {
  const view = await openDevPage(scope, chromium, dev.url, { width });
  const { page, ada, bo } = view;
  await ada.say(LONG_WORD);
  await ada.hears(LONG_WORD, 'Ada, you');
  await (await bo.hears(LONG_WORD, 'Ada')).locator('summary').press('Enter');

  for (const summary of await page.getByText('Name, channel, token').all()) {
    if (await summary.isVisible()) await summary.press('Enter');
  }
  await ada.control('button', 'Explain token').press('Enter');
  await page.getByText('101 Switching Protocols').waitFor();
  await page.getByRole('button', { name: 'Show password' }).press('Enter');
  return view;
}

async function nothingIsCutOff(page: Page, width: number): Promise<void> {
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
  assert.deepEqual(await page.evaluate(findTextsOutOfSight), []);
}

async function tabLeadsEverywhere(page: Page): Promise<void> {
  const controls = await page.evaluateHandle(listControls);
  const count = await controls.evaluate((all) => all.length);
  assert.ok(count > FEWEST_CONTROLS, `There are but ${count} controls`);

  await tabOut(page);
  for (let expected = 0; expected < count; expected++) {
    await page.keyboard.press('Tab');
    const { index, tag, isInSight } = await controls.evaluate(describeFocus);
    assert.equal(index, expected, `Tab leads to ${tag}`);
    assert.ok(isInSight, `The focus cannot be seen on ${tag}`);
  }
  await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(hasNoFocus), 'Tab does not lead out of the page');
}

/** Goes on to the end and out of the page: the next Tab starts at its top. */
async function tabOut(page: Page): Promise<void> {
  do await page.keyboard.press('Tab');
  while (!(await page.evaluate(hasNoFocus)));
}

/** As the browser tells it to screen readers. */
async function everythingHasAName(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const controls = nodes.filter(
    ({ ignored, properties = [] }) =>
      !ignored && properties.some(({ name, value }) => name === 'focusable' && value.value),
  );
  assert.ok(controls.length > FEWEST_CONTROLS, `There are but ${controls.length} controls`);
  assert.deepEqual(
    controls.filter(({ name }) => !name?.value),
    [],
  );
}

/* What follows runs in the page. */

function hasNoFocus(): boolean {
  return document.activeElement === document.body;
}

/** Texts over the edge of the window, but for those that can be scrolled. */
function findTextsOutOfSight(): readonly string[] {
  const range = document.createRange();
  const elements = [...document.querySelectorAll('body :not(pre, pre *, textarea)')];
  return elements
    .flatMap(({ childNodes }) => [...childNodes])
    .filter((node) => {
      range.selectNode(node);
      const { left, right } = range.getBoundingClientRect();
      return node instanceof Text && (left < 0 || right > innerWidth);
    })
    .map(({ textContent }) => textContent ?? '');
}

/** What can be operated, in the order of the document. Of a group of radios Tab goes to the chosen one. */
function listControls(): readonly HTMLElement[] {
  const selector = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
  return [...document.querySelectorAll<HTMLElement>(selector)].filter(
    (element) => element.checkVisibility() && !element.matches('[type=radio]:not(:checked)'),
  );
}

interface Focus {
  /** Among the controls, or -1. */
  readonly index: number;
  readonly tag: string;
  readonly isInSight: boolean;
}

function describeFocus(controls: readonly HTMLElement[]): Focus {
  const element = document.activeElement ?? document.body;
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return {
    index: controls.findIndex((control) => control === element),
    tag: element.outerHTML.slice(0, 100),
    isInSight: left >= 0 && right <= innerWidth && bottom > 0 && top < innerHeight,
  };
}

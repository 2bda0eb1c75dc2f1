import type { Locator } from 'playwright-core';

/** More than any page here has stops. */
const MOST_TABS = 100;

/** Goes to a control and presses a key there, Enter by default. */
export async function press(target: Locator, key = 'Enter'): Promise<void> {
  await tabTo(target);
  await target.page().keyboard.press(key);
}

/** Goes to a text field and puts a text in place of what is there. */
export async function enter(target: Locator, text: string): Promise<void> {
  await press(target, 'ControlOrMeta+A');
  await target.page().keyboard.insertText(text);
}

/** Goes to a control as people without a mouse do. Throws when Tab does not lead to it. */
async function tabTo(target: Locator): Promise<void> {
  const page = target.page();
  const wanted = await target.elementHandle();
  for (let pressed = 0; pressed < MOST_TABS; pressed++) {
    if (await page.evaluate((element) => element === document.activeElement, wanted)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${target}`);
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Page } from 'playwright-core';

import { handshake } from '../support/exchange.ts';
import type { Answer } from '../support/exchange.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { sharedChromium } from './chromium.ts';
import { openDevPage } from './dev-page.ts';
import { sharedDev } from './dev-program.ts';

/** What each example is refused for, and how many steps of the check it passes. */
const examples = {
  Expired: { text: 'Token expired', passes: 2 },
  Forged: { text: 'Error: JWSError JWSInvalidSignature', passes: 1 },
  Unsigned: { text: 'Error: JWSError JWSNoSignatures', passes: 1 },
  'Without mode': { text: 'Missing mode', passes: 3 },
  Milliseconds: {
    text: 'Error: JWTClaimsSetDecodeError exp: expected seconds, at most ten years ahead',
    passes: 2,
  },
} as const;

const [chromium, dev] = await Promise.all([sharedChromium(), sharedDev()]);
const scope = failOnLeaks();

describe('The token explainer', () => {
  it('says of each failing example what the gate answers to a handshake with it', async () => {
    const { page } = await openDevPage(scope, chromium, dev.url);
    const group = page.getByRole('group', { name: 'Try one that fails' });
    assert.deepEqual(await group.getByRole('button').allTextContents(), Object.keys(examples));

    for (const [name, { text, passes }] of Object.entries(examples)) {
      await group.getByRole('button', { name, exact: true }).press('Enter');
      await verdict(page, '400 Bad Request', text);
      assert.deepEqual(await outcomes(page), [
        ...Array.from({ length: passes }, () => 'passed'),
        'failed',
        ...Array.from({ length: 3 - passes }, () => 'not reached'),
      ]);
      assert.equal((await answerOfTheGate(page)).body, text);
    }
  });

  it('says of the token of a pane that it is let in, and what it holds', async () => {
    const { page, ada } = await openDevPage(scope, chromium, dev.url);
    await ada.control('button', 'Explain token').press('Enter');
    await verdict(page, '101 Switching Protocols', /^Enters chat and may read and write until \d/);
    assert.deepEqual(await outcomes(page), ['passed', 'passed', 'passed', 'passed']);
    assert.equal((await answerOfTheGate(page)).status, 101);

    await page.getByRole('group', { name: 'Header of the token' }).getByText('"HS256"').waitFor();
    const claims = page.getByRole('table', { name: 'Claims' });
    await claims.getByRole('row', { name: 'sub "Ada" who holds the token' }).waitFor();
    await claims.getByRole('row', { name: /^exp \d+ .*, in (60 minutes|1 hour)$/ }).waitFor();
  });

  it('judges what is pasted, and for the channel that is named beside it', async () => {
    const { page, ada } = await openDevPage(scope, chromium, dev.url);
    await ada.control('button', 'Explain token').press('Enter');
    await verdict(page, '101 Switching Protocols', /./);
    await page.getByRole('textbox', { name: 'Channel in the path' }).fill('admin');
    await verdict(page, '400 Bad Request', 'No allowed channels');

    await page.getByRole('textbox', { name: 'Token', exact: true }).fill('no.token');
    await verdict(page, '400 Bad Request', /^Error: JWSError \w/);
    assert.equal((await answerOfTheGate(page)).status, 400);
  });
});

/** Waits for this verdict. */
async function verdict(page: Page, title: string, text: string | RegExp): Promise<void> {
  await page
    .getByRole('status')
    .filter({ has: page.getByText(title, { exact: true }) })
    .getByText(text, { exact: true })
    .first()
    .waitFor();
}

function outcomes(page: Page): Promise<readonly string[]> {
  const steps = page.getByRole('list', { name: 'Steps of the check' }).getByRole('listitem');
  return steps.locator('em').allTextContents();
}

/** Shows what is in the form to the gate itself. */
async function answerOfTheGate(page: Page): Promise<Answer> {
  const value = (name: string): Promise<string> =>
    page.getByRole('textbox', { name, exact: true }).inputValue();
  const [token, channel] = [await value('Token'), await value('Channel in the path')];
  return await handshake(dev.port, { target: `/${channel}/${token}` });
}

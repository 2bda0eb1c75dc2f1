import { CommandError } from '../command-error.ts';
import { manualText } from '../command-line.ts';
import { manuals } from '../manuals.ts';
import { explain } from './explain.ts';
import { mint } from './mint.ts';

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  mint,
  explain,
};

/** `postern token mint` and `postern token explain`. */
export async function token([name = '', ...args]: readonly string[]): Promise<void> {
  if (name === '--help' || name === '-h') {
    console.log([manuals.tokenMint, manuals.tokenExplain].map(manualText).join('\n\n\n'));
    return;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined)
    throw new CommandError(2, 'it is either postern token mint or postern token explain');
  await command(args);
}

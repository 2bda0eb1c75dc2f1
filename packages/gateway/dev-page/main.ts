import { fetchInfo, wordsFor } from './api.ts';
import type { Info } from './api.ts';
import { find, make } from './dom.ts';
import { startExplainer } from './explainer.ts';
import { Pane } from './pane.ts';
import { startSql } from './sql.ts';
import { startWall } from './wall.ts';

const CHANNEL = 'chat';

const clients = [
  { name: 'Ada', side: 'left' },
  { name: 'Bo', side: 'right' },
] as const;

fetchInfo().then(start, (error: unknown) => {
  const alert = find(document, '#problem', HTMLElement);
  alert.textContent = wordsFor(error);
  alert.hidden = false;
});

function start(info: Info): void {
  find(document, '#version', HTMLElement).textContent = `dev ${info.version}`;
  for (const place of document.querySelectorAll('.database-channel')) {
    place.textContent = info.databaseChannel;
  }
  showDocs(info.docs);

  const showChannel = startSql(info);
  showChannel(CHANNEL);
  const showTraffic = startWall();
  const showToken = startExplainer();
  const wall = find(document, '#wall', HTMLElement);
  for (const { name, side } of clients) {
    const pane = new Pane({
      name,
      side,
      channel: CHANNEL,
      closings: info.closings,
      onChannel: (entered) => {
        if (side === 'left') showChannel(entered);
      },
      onTraffic: (direction) => showTraffic(side, direction),
      onExplain: (token, channel) => {
        showToken(token, channel);
        find(document, '#token-title', HTMLElement).focus();
      },
    });
    if (side === 'left') wall.before(pane.element);
    else wall.after(pane.element);
    pane.connect();
  }
}

function showDocs(names: readonly string[]): void {
  const list = find(document, '#docs', HTMLElement);
  const items = names.map((name) => {
    const title = name.replace(/\.md$/, '').replaceAll('-', ' ');
    const link = make('a', '', `${title.charAt(0).toUpperCase()}${title.slice(1)}`);
    link.href = `/dev/docs/${name}`;
    return make('li', '', link);
  });
  list.prepend(...items);
}

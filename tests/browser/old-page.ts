import type * as es5 from '#client/es5.js';

/** In the page, once its script has run. */
declare const Postern: typeof es5;

/** What a page of an old browser has beside ES5, as far as it is needed here. */
export const OLD_GLOBALS =
  'WebSocket XMLHttpRequest clearInterval clearTimeout console document location navigator onerror self setInterval setTimeout window';

/** What the page writes down: what it is, and what came with it. */
export type Line = readonly [kind: string, ...details: unknown[]];

/**
 * Runs in a page that has only what ES5 has: subscribes and publishes, stays when its login is renewed, and comes
 * back when its login has ended. All of it is written down in the element `told`.
 */
export function followInOldPage(url: string): void {
  const lines: Line[] = [];
  const tell = (...line: Line): void => {
    lines.push(line);
    const element = document.getElementById('told');
    if (element !== null) element.textContent = JSON.stringify(lines);
  };
  // The page stands still meanwhile.
  const ask = (path: string): string => {
    const request = new XMLHttpRequest();
    request.open('GET', path, false);
    request.send();
    return request.responseText;
  };
  window.onerror = (message) => tell('complaint', String(message));
  tell('has', [typeof JSON, typeof Promise, typeof Symbol, typeof Map, typeof fetch].join(' '));

  const client = Postern.createClient({
    url,
    preauth: { headers: () => ({ Authorization: `Bearer ${ask('/bearer')}` }) },
    onError: (error) => tell('complaint', String(error)),
    onGap: ({ reason }) => tell('complaint', reason),
  });
  const chat = client.channel('chat');
  let wasOpen = false;
  client.on('state', (state) => {
    if (state.name === 'open') tell('open', state.session, state.expiresAt);
    else tell(state.name, 'error' in state ? state.error?.code : undefined);
    if (state.name === 'connecting' && wasOpen) ask('/publish');
    wasOpen = state.name === 'open';
  });
  chat.subscribe(({ payload }) => tell('message', payload), {
    onSubscribed: ({ recovered }) => tell('subscribed', recovered),
  });
  const publish = (next: () => void): void => {
    chat.publish('hello', { key: 'once' }, (error, published) => {
      if (error === undefined) tell('published', published);
      else tell('complaint', String(error));
      next();
    });
  };
  publish(() => publish(() => undefined));
}

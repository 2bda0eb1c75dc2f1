import { createClient } from '/client.js';

const AGAIN_MS = 1000;

const client = createClient({ url: '/postern', preauth: true });

/** The room that is open, and what was said in it, by id. */
let room;
let messages = new Map();
let subscription;
let me;

client.on('state', (state) => {
  const status = document.getElementById('state');
  status.textContent = state.name;
  status.dataset.state = state.name;
  if (state.name === 'open') {
    me = state.user;
    document.getElementById('me').textContent = me;
    show();
  }
  if (state.name !== 'stopped') return;
  const { code, status: answer, message } = state.error;
  // Somebody else has logged in, in another tab: this page shows what was for the one before.
  if (code === 'identity_changed') location.reload();
  // Nobody is logged in, or not any more.
  else if (answer === 401 || code === 'revoked') location.assign('/login');
  else status.textContent = message;
});

function enter() {
  subscription?.unsubscribe();
  room = location.hash.slice(1) || 'lobby';
  messages = new Map();
  show();
  const here = messages;
  subscription = client.channel(`room:${room}`).subscribe(
    ({ payload, claims }) => {
      const known = here.get(payload.id);
      // Of our own we know already, and what was said cannot be said otherwise later.
      if (known === undefined) here.set(payload.id, { ...payload, by: claims?.sub });
      show();
    },
    {
      // After the first time only: what was missed in a break comes as messages, or there is a gap.
      onSubscribed: ({ recovered }) => {
        if (recovered === undefined) void load(here);
      },
      onGap: () => void load(here),
    },
  );
}

/** Loads what was said before. All that is published is in the table: nothing is in neither. */
async function load(here) {
  try {
    const response = await fetch(`/messages?room=${encodeURIComponent(room)}`);
    if (!response.ok) throw new Error(`There are no messages: ${response.status}`);
    const before = await response.json();
    const later = [...here.values()];
    here.clear();
    for (const message of before) here.set(message.id, message);
    // What came meanwhile may be in the table already; there it is as its author has kept it.
    for (const message of later) here.set(message.id, { ...message, ...here.get(message.id) });
    show();
  } catch (error) {
    console.error(error);
    setTimeout(() => {
      if (here === messages) void load(here);
    }, AGAIN_MS);
  }
}

/** Says it, for the first time or once more: neither the table nor the room has it twice. */
async function say(message, here = messages, inRoom = room) {
  const become = (state) => {
    here.set(message.id, { ...message, by: me, state });
    show();
  };
  become('sending');
  try {
    const body = JSON.stringify({ ...message, room: inRoom });
    const response = await fetch('/messages', { method: 'POST', body });
    if (!response.ok) throw new Error(`It could not be kept: ${response.status}`);
    await client.channel(`room:${inRoom}`).publish(message, { key: message.id });
    become('sent');
  } catch (error) {
    console.error(error);
    become('not sent');
  }
}

function show() {
  document.getElementById('room').textContent = room;
  for (const link of document.querySelectorAll('nav a'))
    link.toggleAttribute('aria-current', link.hash === `#${room}`);
  const list = document.getElementById('messages');
  list.replaceChildren(...[...messages.values()].map(itemOf));
  list.scrollTop = list.scrollHeight;
}

function itemOf({ id, text, by, state = '' }) {
  const item = document.createElement('li');
  item.classList.toggle('mine', by === me);
  item.dataset.state = state;
  const parts = { b: by, p: text, small: state };
  for (const [tag, content] of Object.entries(parts)) {
    const part = document.createElement(tag);
    part.textContent = content;
    item.append(part);
  }
  if (state === 'not sent') {
    const again = document.createElement('button');
    again.textContent = 'Send again';
    again.onclick = () => void say({ id, text });
    item.append(again);
  }
  return item;
}

document.getElementById('say').onsubmit = (event) => {
  event.preventDefault();
  const { text } = event.target.elements;
  void say({ id: crypto.randomUUID(), text: text.value });
  text.value = '';
};
addEventListener('hashchange', enter);
enter();

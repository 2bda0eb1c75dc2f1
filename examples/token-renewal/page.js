import { createClient } from '/client.js';

const identityProvider = document.querySelector('[name=identity-provider]').content;
const sessions = new Set();
const counts = { tick: 0, received: 0, missed: 0, gaps: 0 };
/** The tick that has to come next; undefined: whichever does. */
let next;

const client = createClient({ url: '/postern', getToken });

/** Asked before the first connection, in time before the last token ends, and whenever one did not hold. */
async function getToken({ reason }) {
  const response = await fetch(`${identityProvider}/token`, { method: 'POST' });
  if (!response.ok) throw new Error(`There is no token: ${response.status}`);
  const item = document.createElement('li');
  item.textContent = `${new Date().toLocaleTimeString()} to ${reason}`;
  document.getElementById('tokens').prepend(item);
  return response.text();
}

client.on('state', (state) => {
  const status = document.getElementById('state');
  status.textContent = state.name === 'stopped' ? state.error.message : state.name;
  status.dataset.state = state.name;
  if (state.name === 'open') show('connections', sessions.add(state.session).size);
});

client.channel('ticks').subscribe(
  ({ payload: tick }) => {
    counts.tick = tick;
    counts.received += 1;
    counts.missed += Math.abs(tick - (next ?? tick));
    next = tick + 1;
    for (const [name, count] of Object.entries(counts)) show(name, count);
  },
  {
    onGap: () => {
      // The server was started anew, most likely, and counts from 1.
      next = undefined;
      counts.gaps += 1;
    },
  },
);

function show(id, count) {
  document.getElementById(id).textContent = count;
}

let whole = 1;
setInterval(() => {
  const { expiresAt } = client.state;
  if (expiresAt === undefined) return;
  const left = Math.max(0, expiresAt - Date.now() / 1000);
  whole = Math.max(whole, left);
  show('left', Math.ceil(left));
  document.getElementById('ring').style.setProperty('--share', left / whole);
}, 100);

import { createClient } from '/client.js';

/** How long until the table is asked for again when it could not be had, in milliseconds. */
const AGAIN_MS = 1000;

/** The table, by id. */
const rows = new Map();
/** The changes that come while it is loaded; undefined: it is here. */
let waiting = [];

const client = createClient({ url: '/postern', getToken });

client.on('state', (state) => {
  const status = document.getElementById('state');
  status.textContent = state.name === 'stopped' ? state.error.message : state.name;
  status.dataset.state = state.name;
});

client.channel('products').subscribe(
  ({ payload }) => {
    if (waiting !== undefined) return void waiting.push(payload);
    apply(payload);
    show(payload.new?.id);
  },
  {
    // After the first time only: what was missed in a break comes as messages, or there is a gap.
    onSubscribed: ({ recovered }) => {
      if (recovered === undefined) void load();
    },
    onGap: () => void load(),
  },
);

async function getToken() {
  const response = await fetch('/token', { method: 'POST' });
  if (!response.ok) throw new Error(`There is no token: ${response.status}`);
  return response.text();
}

async function load() {
  const mine = [];
  waiting = mine;
  try {
    const response = await fetch('/rows');
    if (!response.ok) throw new Error(`There are no rows: ${response.status}`);
    const loaded = await response.json();
    // A gap came meanwhile, and whoever loads the table after it is right.
    if (waiting !== mine) return;
    rows.clear();
    for (const row of loaded) rows.set(row.id, row);
    // Some of them may be in the rows already. All of them, in their order, lead to what is there now.
    mine.forEach(apply);
    waiting = undefined;
    show();
  } catch (error) {
    console.error(error);
    setTimeout(() => {
      if (waiting === mine) void load();
    }, AGAIN_MS);
  }
}

function apply(change) {
  if (change.old === null && change.new === null) rows.clear();
  rows.delete(change.old);
  if (change.new !== null) rows.set(change.new.id, change.new);
}

function show(changed) {
  const sorted = [...rows.values()].toSorted((one, other) => one.id - other.id);
  document.getElementById('rows').replaceChildren(
    ...sorted.map(({ id, name, stock }) => {
      const row = document.createElement('tr');
      row.classList.toggle('changed', id === changed);
      for (const text of [id, name, stock]) row.insertCell().textContent = text;
      return row;
    }),
  );
}

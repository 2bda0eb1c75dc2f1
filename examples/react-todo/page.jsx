import { createClient } from '@postern/client';
import { PosternProvider, useConnection } from '@postern/client/react';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { useTodos } from './use-todos.js';

const client = createClient({ url: '/postern', getToken });

async function getToken() {
  const response = await fetch('/token', { method: 'POST' });
  if (!response.ok) throw new Error(`There is no token: ${response.status}`);
  return response.text();
}

async function ask(path, wish) {
  const response = await fetch(path, { method: 'POST', body: JSON.stringify(wish) });
  if (!response.ok) throw new Error(`It could not be done: ${response.status}`);
}

function Page() {
  const todos = useTodos();
  const [problem, setProblem] = useState('');
  const act = (path, wish) =>
    ask(path, wish).then(
      () => setProblem(''),
      (error) => setProblem(error.message),
    );

  return (
    <>
      <header>
        <h1>To do</h1>
        <Connection />
      </header>
      <Add onAdd={(text) => act('/add', { id: crypto.randomUUID(), text })} />
      <p role="alert">{problem}</p>
      <ul>
        {inOrder(todos).map((todo) => (
          <Todo key={todo.id} {...todo} act={act} />
        ))}
      </ul>
      <p className="left">{todos && `${todos.filter(({ done }) => !done).length} left`}</p>
    </>
  );
}

function Connection() {
  const { name } = useConnection();
  return (
    <p id="state" role="status" data-state={name}>
      {name}
    </p>
  );
}

function Add({ onAdd }) {
  const [text, setText] = useState('');
  const submit = (event) => {
    event.preventDefault();
    void onAdd(text);
    setText('');
  };
  return (
    <form onSubmit={submit}>
      <input
        aria-label="What is to be done"
        value={text}
        onChange={(event) => setText(event.target.value)}
        maxLength={200}
        required
      />
      <button>Add</button>
    </form>
  );
}

function Todo({ id, text, done, act }) {
  return (
    <li>
      <label>
        <input
          type="checkbox"
          checked={done}
          onChange={() => void act('/mark', { id, done: !done })}
        />
        <span>{text}</span>
      </label>
      <button aria-label={`Remove ${text}`} onClick={() => void act('/remove', { id })}>
        ×
      </button>
    </li>
  );
}

function inOrder(todos = []) {
  return todos.toSorted((one, other) => (one.at < other.at ? -1 : 1));
}

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <PosternProvider client={client}>
      <Page />
    </PosternProvider>
  </StrictMode>,
);

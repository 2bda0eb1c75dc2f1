import { useChannel } from '@postern/client/react';
import { useReducer, useRef } from 'react';

const AGAIN_MS = 1000;

/** The to-dos as they are now; undefined: they are being loaded for the first time. */
export function useTodos() {
  const [{ todos }, dispatch] = useReducer(reduce, { todos: undefined, waiting: [], turn: 0 });
  const lastTurn = useRef(0);

  async function load() {
    lastTurn.current += 1;
    const turn = lastTurn.current;
    dispatch({ type: 'load', turn });
    try {
      const response = await fetch('/todos');
      if (!response.ok) throw new Error(`There are no to-dos: ${response.status}`);
      dispatch({ type: 'loaded', turn, todos: await response.json() });
    } catch (error) {
      console.error(error);
      setTimeout(() => {
        if (turn === lastTurn.current) void load();
      }, AGAIN_MS);
    }
  }

  useChannel('todos', {
    limit: 0,
    onMessage: ({ payload }) => dispatch({ type: 'changed', todo: payload }),
    // After the first time only: what was missed in a break comes as messages, or there is a gap.
    onSubscribed: ({ recovered }) => {
      if (recovered === undefined) void load();
    },
    onGap: () => void load(),
  });
  return todos;
}

/** `waiting`: what changes while they are loaded. It may be in there already, and in its order it leads to what is now. */
function reduce(state, action) {
  switch (action.type) {
    case 'load':
      return { ...state, waiting: [], turn: action.turn };
    case 'loaded':
      if (action.turn !== state.turn) return state;
      return { ...state, todos: state.waiting.reduce(apply, action.todos), waiting: undefined };
    default:
      if (state.waiting === undefined) return { ...state, todos: apply(state.todos, action.todo) };
      return { ...state, waiting: [...state.waiting, action.todo] };
  }
}

function apply(todos, changed) {
  const others = todos.filter(({ id }) => id !== changed.id);
  return changed.removed ? others : [...others, changed];
}

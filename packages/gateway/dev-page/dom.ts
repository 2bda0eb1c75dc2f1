/** How long a button says that it has done its work, in milliseconds. */
const THANKS_MS = 1600;

/** The element that `selector` names below `root`. Throws when page and script disagree. */
export function find<E extends Element>(root: ParentNode, selector: string, type: new () => E): E {
  const found = root.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${type.name} at ${selector}`);
}

/** The first element of a copy of the template with this id. */
export function copyOfTemplate(id: string): HTMLElement {
  const { content } = find(document, `template#${id}`, HTMLTemplateElement);
  return find(document.importNode(content, true), '*', HTMLElement);
}

/** A new element: its tag, its class (empty: none), and what is in it. Text is never markup. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
}

/** Text whose parts between backticks are code, as nodes. */
export function withCode(text: string): readonly (Node | string)[] {
  return text.split('`').map((part, at) => (at % 2 === 1 ? make('code', '', part) : part));
}

/** Says something to people who cannot see it happen. */
function announce(text: string): void {
  find(document, '#announcements', HTMLElement).textContent = text;
}

/** Makes a button copy what `text` returns when it is pressed. */
export function copyOnClick(button: HTMLButtonElement, text: () => string): void {
  const label = button.textContent;
  let reset: ReturnType<typeof setTimeout> | undefined;

  const say = (word: string) => {
    button.textContent = word;
    announce(word);
    clearTimeout(reset);
    reset = setTimeout(() => {
      button.textContent = label;
    }, THANKS_MS);
  };

  button.addEventListener('click', () => {
    navigator.clipboard.writeText(text()).then(
      () => say('Copied'),
      () => say('Not allowed'),
    );
  });
}

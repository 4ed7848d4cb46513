/** Elements without a framework: made by name, attributes and children; data becomes text, never markup. */

export type Child = Node | string | number | null | undefined | false;

type Value = string | number | boolean | null | undefined | ((event: Event) => void);

export type Attributes = Readonly<Record<string, Value>>;

/** Sets one attribute; a function listens to the event that `on...` names, `true` is an empty value. */
function put(element: Element, name: string, value: Value): void {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") {
    element.addEventListener(name.slice("on".length), value);
  } else {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Puts children at the end of a node; what is absent is left out. */
export function add(parent: Node, ...children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** An element with its attributes and children. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) put(element, name, value);
  add(element, ...children);
  return element;
}

/** An element of SVG. */
export function svg(tag: string, attributes: Attributes, ...children: readonly Child[]): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) put(element, name, value);
  add(element, ...children);
  return element;
}

/** Shows these children in a node instead of what was there. */
export function fill(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren();
  add(parent, ...children);
}

/** Sets a text, if it is another one: a screen reader is not told of what did not change. */
export function write(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

let given = 0;

/** An id that no other element of this page has. */
export function freshId(stem: string): string {
  given += 1;
  return `${stem}-${String(given)}`;
}

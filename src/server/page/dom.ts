/** The element with this id. Throws when index.html has none of that type: a fault of ours, seen at once. */
export function byId<T extends Element>(id: string, type: abstract new () => T): T {
  return within(document, `#${id}`, type);
}

/** The first element below `root` that fits `selector`. Throws when there is none of that type. */
export function within<T extends Element>(root: ParentNode, selector: string, type: abstract new () => T): T {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`index.html has no ${selector}`);
  return found;
}

/** A copy of the only child of a `<template>`. */
export function fromTemplate(id: string): HTMLElement {
  const copy = document.importNode(byId(id, HTMLTemplateElement).content, true).firstElementChild;
  if (!(copy instanceof HTMLElement)) throw new Error(`template ${id} is empty`);
  return copy;
}

/** Says something to people who cannot see the page. */
export function announce(text: string): void {
  byId('announcer', HTMLElement).textContent = text;
}

/** A switch made of a button: its icon follows `data-on`, its name says what pressing it does. */
export function setSwitch(button: HTMLElement, on: boolean, label: string): void {
  button.dataset['on'] = String(on);
  within(button, '[data-label]', HTMLElement).textContent = label;
}

import { byId, fromTemplate, within } from './dom.js';

/** Lines that are kept on the page. */
const KEPT = 500;

/**
 * What was said so far, line by line, at the side of the pictures. It is there for people who listen to the page also while it is
 * not open.
 */
export class Transcript {
  readonly #panel = byId('transcript', HTMLElement);
  readonly #lines = byId('transcript-lines', HTMLOListElement);
  readonly #button = byId('open-transcript', HTMLElement);

  constructor() {
    this.#button.addEventListener('click', () => this.toggle());
    this.#setOpen(false);
  }

  /** Opens or closes the panel. */
  toggle(): void {
    this.#setOpen(this.#panel.dataset['open'] !== 'true');
  }

  add(name: string, text: string): void {
    const line = fromTemplate('transcript-line');
    within(line, '.transcript-name', HTMLElement).textContent = name;
    within(line, '.transcript-text', HTMLElement).textContent = text;
    const { scrollTop, scrollHeight, clientHeight } = this.#lines;
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - 8;
    this.#lines.append(line);
    if (this.#lines.childElementCount > KEPT) this.#lines.firstElementChild?.remove();
    // Who reads what came before is not carried away from it.
    if (isAtEnd) this.#scrollToEnd();
  }

  clear(): void {
    this.#lines.replaceChildren();
    this.#setOpen(false);
  }

  #setOpen(open: boolean): void {
    this.#panel.dataset['open'] = String(open);
    this.#button.setAttribute('aria-expanded', String(open));
    if (open) this.#scrollToEnd();
  }

  #scrollToEnd(): void {
    this.#lines.scrollTop = this.#lines.scrollHeight;
  }
}

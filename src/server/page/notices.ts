import { fromTemplate, within } from './dom.js';
import type { Problem } from './problems.js';

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}

/** A list of problems on the page, one notice for each code. */
export class Notices {
  readonly #root: HTMLElement;
  readonly #shown = new Map<string, HTMLElement>();

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** Shows a problem, or changes the one of the same code. */
  show(problem: Problem, actions: readonly NoticeAction[] = []): void {
    const notice = this.#shown.get(problem.code) ?? this.#add(problem.code);
    notice.dataset['tone'] = problem.tone;
    setText(within(notice, 'strong', HTMLElement), problem.title);
    setText(within(notice, 'p', HTMLElement), problem.mend);
    within(notice, '.notice-actions', HTMLElement).replaceChildren(...actions.map(makeButton));
  }

  /** Shows a problem that the person may put away. */
  showClosable(problem: Problem): void {
    this.show(problem, [{ label: 'Close', run: () => this.clear(problem.code) }]);
  }

  /** A line below the words that may change each second; it is not read aloud. */
  setCountdown(code: string, text: string): void {
    const notice = this.#shown.get(code);
    if (notice) setText(within(notice, '.countdown', HTMLElement), text);
  }

  /** Takes away the problem with this code, or all of them. */
  clear(code?: string): void {
    for (const [shown, notice] of [...this.#shown]) {
      if (code !== undefined && shown !== code) continue;
      notice.remove();
      this.#shown.delete(shown);
    }
  }

  #add(code: string): HTMLElement {
    const notice = fromTemplate('notice');
    notice.dataset['problem'] = code;
    this.#shown.set(code, notice);
    this.#root.append(notice);
    return notice;
  }
}

function makeButton(action: NoticeAction): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'small';
  button.textContent = action.label;
  button.addEventListener('click', action.run);
  return button;
}

/** Leaves text alone that is already right: it may be read aloud when it changes. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

import type { DeviceKind } from './problems.js';

export interface ShortcutActions {
  /** Whether shortcuts apply now. */
  readonly active: () => boolean;
  readonly toggle: (kind: DeviceKind) => void;
  readonly toggleTranscript: () => void;
  readonly leave: () => void;
}

/** M switches the microphone, V the camera, T the transcript, Esc leaves. Not while something is typed, and not with Ctrl, Alt or Meta. */
export function addShortcuts(actions: ShortcutActions): void {
  document.addEventListener('keydown', (event) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || !actions.active()) return;
    // An open dialog has its own use for these keys.
    if (isTyping(event.target) || document.querySelector('dialog[open]')) return;
    if (event.key === 'm' || event.key === 'M') actions.toggle('microphone');
    else if (event.key === 'v' || event.key === 'V') actions.toggle('camera');
    else if (event.key === 't' || event.key === 'T') actions.toggleTranscript();
    else if (event.key === 'Escape') actions.leave();
    else return;
    event.preventDefault();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select') !== null;
}

import { DEVICE_KINDS, type LocalMedia } from './devices.js';
import type { DeviceKind } from './problems.js';

const FIELDS = {
  microphone: { kind: 'audioinput', label: 'Microphone' },
  camera: { kind: 'videoinput', label: 'Camera' },
} as const;

/** Fills `root` with a labelled list of microphones and one of cameras, which choose the device of `media` and follow it. */
export function addDeviceFields(root: HTMLElement, media: LocalMedia): void {
  for (const device of DEVICE_KINDS) {
    const { kind, label } = FIELDS[device];
    const field = document.createElement('label');
    field.className = 'field';
    const title = document.createElement('span');
    title.textContent = label;
    const select = document.createElement('select');
    select.dataset['testid'] = `choose-${device}`;
    select.addEventListener('change', () => void media.choose(device, select.value));
    const choice = document.createElement('span');
    choice.className = 'choice';
    choice.append(select);
    field.append(title, choice);
    root.append(field);
    const refresh = (): void => fill(select, media, device, kind);
    media.addEventListener('change', refresh);
    refresh();
  }
}

function fill(select: HTMLSelectElement, media: LocalMedia, device: DeviceKind, kind: MediaDeviceKind): void {
  const devices = media.list(kind);
  const wanted = devices.map(({ deviceId, label }, index) => ({
    value: deviceId,
    text: label || `${FIELDS[device].label} ${(index + 1).toString()}`,
  }));
  if (wanted.length === 0) wanted.push({ value: '', text: media.isOn(device) ? 'Default' : 'None available' });
  select.disabled = devices.length === 0;
  const shown = [...select.options].map((option) => `${option.value} ${option.text}`).join('\n');
  // Filling an open list again would close it under the person's hand.
  if (shown !== wanted.map(({ value, text }) => `${value} ${text}`).join('\n')) {
    select.replaceChildren(...wanted.map(({ value, text }) => new Option(text, value)));
  }
  select.value = media.chosen(device);
  if (select.selectedIndex < 0) select.selectedIndex = 0;
}

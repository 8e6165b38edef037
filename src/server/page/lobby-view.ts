import { addDeviceFields } from './device-fields.js';
import { DeviceNotices } from './device-notices.js';
import type { LocalMedia, LocalMediaTrack } from './devices.js';
import { byId, setSwitch } from './dom.js';
import { Meter } from './meter.js';
import { Notices } from './notices.js';
import type { PageParams } from './params.js';
import type { DeviceKind } from './problems.js';
import { recall, remember } from './storage.js';

const TICK_MS = 50;

export interface LobbyActions {
  readonly toggle: (kind: DeviceKind) => void;
  readonly join: () => void;
}

/** The page before joining and after leaving: preview, level, devices, name, and what is in the way. */
export class LobbyView {
  readonly notices = new Notices(byId('notices', HTMLElement));
  readonly #deviceNotices: DeviceNotices;
  readonly #media: LocalMedia;
  readonly #name = byId('name', HTMLInputElement);
  readonly #token = byId('token', HTMLTextAreaElement);
  readonly #join = byId('join', HTMLButtonElement);
  readonly #preview = byId('preview-video', HTMLVideoElement);
  #meter: Meter | undefined;
  #shown: LocalMediaTrack | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #opening = true;

  constructor(media: LocalMedia, params: PageParams, actions: LobbyActions) {
    this.#media = media;
    this.#deviceNotices = new DeviceNotices(new Notices(byId('device-notices', HTMLElement)), media, {
      closable: false,
    });
    this.#name.value = params.name || recall('name');
    this.#token.value = params.token;
    this.setSession(params.session);
    byId('lobby-mic', HTMLElement).addEventListener('click', () => actions.toggle('microphone'));
    byId('lobby-cam', HTMLElement).addEventListener('click', () => actions.toggle('camera'));
    byId('entry', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      remember('name', this.name);
      actions.join();
    });
    addDeviceFields(byId('lobby-devices', HTMLElement), media);
    media.addEventListener('change', () => this.#refresh());
  }

  /** What the person calls themselves; empty when they do not say. */
  get name(): string {
    return this.#name.value.trim();
  }

  /** The pasted token; empty while none is asked for. */
  get token(): string {
    return this.#token.value.trim();
  }

  open(label: string): void {
    this.setBusy(false, label);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#refresh();
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#shown) this.#shown.detach(this.#preview);
    this.#shown = undefined;
  }

  /** The browser has answered about the devices: from now on, no picture means no picture. */
  setOpened(): void {
    this.#opening = false;
    this.#refresh();
  }

  setSession(sessionId: string): void {
    byId('lobby-session', HTMLElement).textContent = sessionId;
    document.title = `${sessionId} · sluice`;
  }

  setBusy(busy: boolean, label: string): void {
    this.#join.dataset['busy'] = String(busy);
    this.#join.setAttribute('aria-disabled', String(busy));
    byId('join-label', HTMLElement).textContent = label;
  }

  focusJoin(): void {
    this.#join.focus({ preventScroll: true });
  }

  /** Shows the field for an access token and goes there. */
  askToken(): void {
    byId('token-field', HTMLElement).hidden = false;
    this.#token.focus();
    this.#token.select();
  }

  #tick(): void {
    const track = this.#media.isOn('microphone') ? this.#media.track('microphone') : undefined;
    if (track) this.#meter ??= new Meter();
    this.#meter?.watch(track?.mediaStreamTrack);
    const level = track ? (this.#meter?.read() ?? 0) : 0;
    const bar = byId('mic-level', HTMLElement);
    bar.dataset['level'] = level.toFixed(2);
    bar.style.setProperty('--level', level.toFixed(2));
    bar.setAttribute('aria-valuenow', Math.round(level * 100).toString());
  }

  #refresh(): void {
    const camera = this.#media.isOn('camera') ? this.#media.track('camera') : undefined;
    setSwitch(byId('lobby-mic', HTMLElement), this.#media.isOn('microphone'), switchLabel('microphone', this.#media));
    setSwitch(byId('lobby-cam', HTMLElement), camera !== undefined, switchLabel('camera', this.#media));
    byId('preview', HTMLElement).dataset['camera'] = camera ? 'on' : 'off';
    byId('preview-empty', HTMLElement).textContent = this.#opening ? 'Allow microphone and camera…' : 'Camera is off';
    this.#deviceNotices.refresh();
    if (this.#timer === undefined || camera === this.#shown) return;
    this.#shown?.detach(this.#preview);
    this.#shown = camera;
    camera?.attach(this.#preview);
  }
}

function switchLabel(kind: DeviceKind, media: LocalMedia): string {
  return `Switch ${kind} ${media.isOn(kind) ? 'off' : 'on'}`;
}

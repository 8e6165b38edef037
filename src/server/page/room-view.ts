import type { Room } from 'livekit-client';
import type { Caption } from './captions.js';
import { addDeviceFields } from './device-fields.js';
import { DeviceNotices } from './device-notices.js';
import type { LocalMedia } from './devices.js';
import { announce, byId, setSwitch } from './dom.js';
import { layoutGrid } from './layout.js';
import { Notices } from './notices.js';
import type { DeviceKind } from './problems.js';
import { Tile } from './tile.js';
import { Transcript } from './transcript.js';

const TICK_MS = 50;

export interface RoomActions {
  readonly toggle: (kind: DeviceKind) => void;
  readonly leave: () => void;
}

/** The joined session on the page: tiles, controls and notices. Knows nothing of how it was joined. */
export class RoomView {
  readonly notices = new Notices(byId('room-notices', HTMLElement));
  readonly deviceNotices: DeviceNotices;
  readonly transcript = new Transcript();
  readonly #grid = byId('grid', HTMLUListElement);
  readonly #floor = byId('floor', HTMLElement);
  readonly #dialog = byId('devices-dialog', HTMLDialogElement);
  readonly #media: LocalMedia;
  readonly #tiles = new Map<string, Tile>();
  #room: Room | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(media: LocalMedia, actions: RoomActions) {
    this.#media = media;
    this.deviceNotices = new DeviceNotices(this.notices, media, { closable: true });
    byId('mic', HTMLElement).addEventListener('click', () => actions.toggle('microphone'));
    byId('cam', HTMLElement).addEventListener('click', () => actions.toggle('camera'));
    byId('leave', HTMLElement).addEventListener('click', actions.leave);
    byId('open-devices', HTMLElement).addEventListener('click', () => this.#dialog.showModal());
    addDeviceFields(byId('room-devices', HTMLElement), media);
    media.addEventListener('change', () => this.#refreshControls());
    new ResizeObserver(() => this.#arrange()).observe(this.#floor);
  }

  open(room: Room, sessionId: string): void {
    this.#room = room;
    byId('room-session', HTMLElement).textContent = sessionId;
    this.#floor.setAttribute('aria-label', `Session ${sessionId}`);
    this.sync();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#refreshControls();
    this.#floor.focus({ preventScroll: true });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#room = undefined;
    this.notices.clear();
    this.setWaiting(false);
    if (this.#dialog.open) this.#dialog.close();
    for (const tile of this.#tiles.values()) tile.remove();
    this.#tiles.clear();
    this.transcript.clear();
  }

  /** Shows what somebody says at their tile, and writes down what is final. */
  caption(caption: Caption): void {
    const tile = this.#tiles.get(caption.identity);
    if (tile?.caption(caption, performance.now()) === true)
      this.transcript.add(tile.element.dataset['name'] ?? caption.identity, caption.text);
  }

  /** Brings tiles and count up to the participants of the room; called after every event that may have changed them. */
  sync(): void {
    const room = this.#room;
    if (!room) return;
    const participants = [...room.remoteParticipants.values(), room.localParticipant];
    const present = new Set(participants.map(({ identity }) => identity));
    for (const [identity, tile] of [...this.#tiles]) {
      if (present.has(identity)) continue;
      announce(`${tile.element.dataset['name'] ?? identity} left`);
      tile.remove();
      this.#tiles.delete(identity);
    }
    for (const participant of participants) {
      const tile = this.#tiles.get(participant.identity);
      if (tile) tile.update(participant);
      else this.#tiles.set(participant.identity, this.#addTile(new Tile(participant), participant.isLocal));
    }
    const count = participants.length;
    byId('room-count', HTMLElement).textContent = count === 1 ? 'only you' : `${count.toString()} people`;
    this.#arrange();
  }

  /** The connection is being repaired: the picture stands still and is shown so. */
  setWaiting(waiting: boolean): void {
    this.#floor.dataset['waiting'] = String(waiting);
  }

  /** Oneself comes last, where the own picture is looked for. */
  #addTile(tile: Tile, local: boolean): Tile {
    const own = this.#grid.querySelector('[data-local="true"]');
    if (local) this.#grid.append(tile.element);
    else this.#grid.insertBefore(tile.element, own);
    if (!local && own) announce(`${tile.element.dataset['name'] ?? ''} joined`);
    return tile;
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const tile of this.#tiles.values()) tile.tick(nowMs);
  }

  #arrange(): void {
    const style = getComputedStyle(this.#grid);
    const gap = Number.parseFloat(style.columnGap) || 0;
    const { clientWidth: width, clientHeight: height } = this.#floor;
    const layout = layoutGrid(this.#tiles.size, { width, height, gap });
    this.#grid.style.setProperty('--columns', layout.columns.toString());
    this.#grid.style.setProperty('--tile-width', `${layout.tileWidth.toString()}px`);
    this.#grid.style.setProperty('--tile-height', `${layout.tileHeight.toString()}px`);
  }

  #refreshControls(): void {
    const hears = this.#media.isOn('microphone');
    const sees = this.#media.isOn('camera');
    setSwitch(byId('mic', HTMLElement), hears, hears ? 'Mute' : 'Unmute');
    setSwitch(byId('cam', HTMLElement), sees, sees ? 'Stop video' : 'Start video');
    if (this.#room) this.deviceNotices.refresh();
  }
}

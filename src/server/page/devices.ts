import {
  createLocalAudioTrack,
  createLocalTracks,
  createLocalVideoTrack,
  LocalAudioTrack,
  LocalVideoTrack,
  TrackEvent,
  type AudioCaptureOptions,
  type VideoCaptureOptions,
} from 'livekit-client';
import type { PageParams } from './params.js';
import { deviceProblem, insecureProblem, type DeviceKind, type ErrorFacts, type Problem } from './problems.js';
import { recall, remember } from './storage.js';

export type LocalMediaTrack = LocalAudioTrack | LocalVideoTrack;

interface Slot {
  track: LocalMediaTrack | undefined;
  /** What the person wants; `track` may be missing all the same. */
  wanted: boolean;
  problem: Problem | undefined;
  deviceId: string;
  /** Operations on a device follow each other: two at once leave it in a state nobody asked for. */
  busy: Promise<void>;
}

export const DEVICE_KINDS: readonly DeviceKind[] = ['microphone', 'camera'];

/**
 * This person's microphone and camera, before, during and after a session. Dispatches `change` when a track, a problem
 * or the list of devices has changed. Nothing here throws: what goes wrong is kept as the `problem` of its device.
 */
export class LocalMedia extends EventTarget {
  readonly #params: PageParams;
  readonly #slots: Record<DeviceKind, Slot>;
  #devices: MediaDeviceInfo[] = [];

  constructor(params: PageParams) {
    super();
    this.#params = params;
    this.#slots = {
      microphone: emptySlot('microphone', params.audio !== 'off'),
      camera: emptySlot('camera', params.videoHeight > 0),
    };
    // Missing on pages that did not come over a secure connection.
    if (canCapture()) navigator.mediaDevices.addEventListener('devicechange', () => void this.#list());
  }

  /** Opens what is wanted, with one question to the person where the browser allows that. */
  async open(): Promise<void> {
    const missing = DEVICE_KINDS.filter((kind) => this.#slots[kind].wanted && !isLive(this.#slots[kind].track));
    if (missing.length === 0) return;
    if (!canCapture()) {
      for (const kind of missing) this.#fail(kind, insecureProblem(location.port));
      return;
    }
    if (missing.length === 2) {
      try {
        for (const track of await createLocalTracks({ audio: this.#audioOptions(), video: this.#videoOptions() })) {
          if (track instanceof LocalAudioTrack) this.#adopt('microphone', track);
          else if (track instanceof LocalVideoTrack) this.#adopt('camera', track);
        }
      } catch (error) {
        // One of both failed, and the error does not say which: each is tried by itself, unless the person said no.
        for (const kind of missing) {
          if (factsOf(error).name === 'NotAllowedError' && (await isRefused(kind)))
            this.#fail(kind, deviceProblem(kind, factsOf(error)));
          else await this.#openOne(kind);
        }
      }
    } else {
      for (const kind of missing) await this.#openOne(kind);
    }
    await this.#list();
  }

  track(kind: DeviceKind): LocalMediaTrack | undefined {
    return this.#slots[kind].track;
  }

  /** It captures right now. */
  isOn(kind: DeviceKind): boolean {
    const { track } = this.#slots[kind];
    return track !== undefined && !track.isMuted && isLive(track);
  }

  problem(kind: DeviceKind): Problem | undefined {
    return this.#slots[kind].problem;
  }

  /** Devices to choose from; names are empty until the person has allowed one. */
  list(kind: MediaDeviceKind): readonly MediaDeviceInfo[] {
    return this.#devices.filter((device) => device.kind === kind && device.deviceId !== '');
  }

  chosen(kind: DeviceKind): string {
    const { track, deviceId } = this.#slots[kind];
    return track?.mediaStreamTrack.getSettings().deviceId ?? deviceId;
  }

  /** Switches a device on or off. A camera that is off is released, so that its light goes out. */
  setOn(kind: DeviceKind, on: boolean): Promise<void> {
    return this.#after(kind, async (slot) => {
      slot.wanted = on;
      slot.problem = undefined;
      if (!on) await slot.track?.mute();
      else if (!canCapture()) this.#fail(kind, insecureProblem(location.port));
      else if (slot.track && (slot.track.isMuted || isLive(slot.track))) await slot.track.unmute();
      else await this.#openOne(kind);
    });
  }

  choose(kind: DeviceKind, deviceId: string): Promise<void> {
    return this.#after(kind, async (slot) => {
      slot.deviceId = deviceId;
      remember(kind, deviceId);
      slot.problem = undefined;
      if (slot.track) await slot.track.setDeviceId({ exact: deviceId });
      else if (slot.wanted) await this.#openOne(kind);
    });
  }

  #after(kind: DeviceKind, change: (slot: Slot) => Promise<void>): Promise<void> {
    const slot = this.#slots[kind];
    slot.busy = slot.busy.then(async () => {
      try {
        await change(slot);
      } catch (error) {
        this.#fail(kind, deviceProblem(kind, factsOf(error)));
      }
      await this.#list();
    });
    return slot.busy;
  }

  async #openOne(kind: DeviceKind): Promise<void> {
    try {
      const track =
        kind === 'camera'
          ? await createLocalVideoTrack(this.#videoOptions())
          : await createLocalAudioTrack(this.#audioOptions());
      this.#adopt(kind, track);
    } catch (error) {
      this.#fail(kind, deviceProblem(kind, factsOf(error)));
    }
  }

  #adopt(kind: DeviceKind, track: LocalMediaTrack): void {
    const slot = this.#slots[kind];
    slot.track?.stop();
    slot.track = track;
    slot.problem = undefined;
    track.on(TrackEvent.Ended, () => {
      if (slot.track !== track) return;
      slot.track = undefined;
      this.#fail(kind, deviceProblem(kind, { name: 'EndedError' }));
    });
    track.on(TrackEvent.Muted, () => this.#changed());
    track.on(TrackEvent.Unmuted, () => this.#changed());
    track.on(TrackEvent.Restarted, () => this.#changed());
    this.#changed();
  }

  #fail(kind: DeviceKind, problem: Problem): void {
    const slot = this.#slots[kind];
    slot.problem = problem;
    // Not tried again until the person asks for it.
    slot.wanted = false;
    this.#changed();
  }

  async #list(): Promise<void> {
    if (canCapture()) this.#devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    this.#changed();
  }

  #changed(): void {
    this.dispatchEvent(new Event('change'));
  }

  #audioOptions(): AudioCaptureOptions {
    const processed = this.#params.audio === 'speech';
    return {
      deviceId: { ideal: this.#slots.microphone.deviceId || 'default' },
      echoCancellation: processed,
      noiseSuppression: processed,
      autoGainControl: processed,
      voiceIsolation: processed,
    };
  }

  #videoOptions(): VideoCaptureOptions {
    const height = this.#params.videoHeight || 720;
    return {
      deviceId: { ideal: this.#slots.camera.deviceId || 'default' },
      resolution: { width: Math.round((height * 16) / 9), height, frameRate: 30 },
    };
  }
}

/** Name and message of anything thrown, and what livekit-client adds. */
export function factsOf(error: unknown): ErrorFacts {
  return typeof error === 'object' && error !== null ? error : { message: String(error) };
}

function canCapture(): boolean {
  return 'mediaDevices' in navigator;
}

function isLive(track: LocalMediaTrack | undefined): boolean {
  return track?.mediaStreamTrack.readyState === 'live';
}

/** Whether the person said no, now or before, or closed the question: asking again at once would be rude. */
async function isRefused(kind: DeviceKind): Promise<boolean> {
  try {
    const { state } = await navigator.permissions.query({ name: kind });
    return state !== 'granted';
  } catch {
    // Older browsers do not know these names.
    return false;
  }
}

function emptySlot(kind: DeviceKind, wanted: boolean): Slot {
  return { track: undefined, wanted, problem: undefined, deviceId: recall(kind), busy: Promise.resolve() };
}

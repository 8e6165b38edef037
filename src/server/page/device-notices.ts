import { DEVICE_KINDS, type LocalMedia } from './devices.js';
import type { Notices } from './notices.js';
import type { Problem } from './problems.js';

/** Shows the problems of microphone and camera among `notices`, each until it is solved or closed. */
export class DeviceNotices {
  readonly #notices: Notices;
  readonly #media: LocalMedia;
  readonly #closable: boolean;
  #known: readonly Problem[] = [];

  constructor(notices: Notices, media: LocalMedia, options: { readonly closable: boolean }) {
    this.#notices = notices;
    this.#media = media;
    this.#closable = options.closable;
  }

  /** The person has seen the present problems elsewhere: only later ones are shown. */
  acknowledge(): void {
    this.#known = this.#problems();
  }

  refresh(): void {
    const problems = this.#problems();
    for (const old of this.#known) {
      if (!problems.some(({ code }) => code === old.code)) this.#notices.clear(old.code);
    }
    for (const problem of problems) {
      if (this.#known.includes(problem)) continue;
      if (this.#closable) this.#notices.showClosable(problem);
      else this.#notices.show(problem);
    }
    this.#known = problems;
  }

  #problems(): Problem[] {
    return DEVICE_KINDS.map((kind) => this.#media.problem(kind)).filter((problem) => problem !== undefined);
  }
}

/** Runs in the page: reads what its elements show and play. */
export const PAGE_SCRIPT = `
globalThis.sluiceTest = {
  tile(name) {
    return [...document.querySelectorAll('[data-testid="tile"]')].find((tile) => tile.dataset.name === name && tile.dataset.local !== 'true');
  },

  /** Resolves when a picture of somebody was shown, and some more after it. */
  async sees(name) {
    for (let shown = 0; shown < 10; shown++) {
      await new Promise((resolve) => {
        const look = () => {
          const video = this.tile(name)?.querySelector('video');
          if (video?.srcObject) video.requestVideoFrameCallback(resolve);
          else requestAnimationFrame(look);
        };
        look();
      });
    }
  },

  ring(name) {
    const tile = this.tile(name);
    for (const animation of tile.getAnimations({ subtree: true })) {
      if (animation.transitionProperty === 'opacity') animation.finish();
    }
    return Number(getComputedStyle(tile, '::after').opacity);
  },

  watch(name, durationMs, width, height) {
    const video = this.tile(name).querySelector('video');
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const seen = [];
    return new Promise((resolve) => {
      let start;
      const onFrame = (now) => {
        start ??= now;
        context.drawImage(video, 0, 0, width, height);
        const { data } = context.getImageData(0, 0, width, height);
        const luma = new Uint8Array(width * height);
        for (let i = 0; i < luma.length; i++) luma[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
        seen.push({ timeMs: now - start, luma: toBase64(luma) });
        if (now - start < durationMs) video.requestVideoFrameCallback(onFrame);
        else resolve(seen);
      };
      video.requestVideoFrameCallback(onFrame);
    });
  },

  async hear(name, durationMs, sampleRate) {
    const { srcObject } = this.tile(name).querySelector('audio');
    const context = new AudioContext({ sampleRate });
    await context.resume();
    const source = context.createMediaStreamSource(srcObject);
    const reader = context.createScriptProcessor(4096, 1, 1);
    const wanted = Math.round((durationMs * sampleRate) / 1000);
    const samples = new Int16Array(wanted);
    let held = 0;
    await new Promise((resolve) => {
      reader.onaudioprocess = ({ inputBuffer }) => {
        const channel = inputBuffer.getChannelData(0);
        for (let i = 0; i < channel.length && held < wanted; i++) samples[held++] = Math.max(-1, Math.min(1, channel[i])) * 32767;
        if (held === wanted) resolve();
      };
      source.connect(reader);
      reader.connect(context.destination);
    });
    await context.close();
    return toBase64(new Uint8Array(samples.buffer));
  },
};

function toBase64(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
}
`;

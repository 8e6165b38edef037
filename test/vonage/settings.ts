import t from 'tap';
import { publisherSettings, sessionSettings, subscriberSettings } from '../../src/vonage/settings.js';

const invalid = (message: RegExp): { code: string; message: RegExp } => ({ code: 'SLUICE_CONFIG_INVALID', message });

t.test('settings in the shape of the Node.js package', async (t) => {
  await t.test('become those of sluice, with the defaults of the connector', async (t) => {
    t.strictSame(sessionSettings(), {
      enableMigration: false,
      av: {
        audioPublisher: { sampleRate: 48_000, numberOfChannels: 2 },
        audioSubscribersMix: { sampleRate: 48_000, numberOfChannels: 2, ptimeMs: 10 },
        videoPublisher: { resolution: { width: 640, height: 480 }, fps: 30, format: 'YUV420P' },
      },
      logging: { level: 'WARN' },
    });
    const settings = sessionSettings({
      enableMigration: true,
      av: {
        audioPublisher: { sampleRate: 24_000, channels: 1 },
        audioSubscribersMix: { sampleRate: 16_000, channels: 1 },
        videoPublisher: { width: 1280, height: 720, fps: 25, format: 'argb32' },
      },
      logging: { level: 'debug' },
    });
    t.strictSame(settings, {
      enableMigration: true,
      av: {
        audioPublisher: { sampleRate: 24_000, numberOfChannels: 1 },
        audioSubscribersMix: { sampleRate: 16_000, numberOfChannels: 1, ptimeMs: 10 },
        videoPublisher: { resolution: { width: 1280, height: 720 }, fps: 25, format: 'ARGB32' },
      },
      logging: { level: 'DEBUG' },
    });
    t.match(publisherSettings({ name: 'Bot' }), {
      hasAudio: true,
      hasVideo: true,
      audioSettings: { enableStereoMode: true, enableOpusDtx: false },
    });
    t.match(subscriberSettings(), { subscribeToAudio: true, subscribeToVideo: true });
  });

  await t.test('are refused by the path that was written, with what was found and what is allowed', async (t) => {
    const video = (videoPublisher: object) => () => sessionSettings({ av: { videoPublisher } });
    t.throws(
      video({ fps: 31 }),
      invalid(/^sessionSettings\.av\.videoPublisher\.fps: found 31, expected a number from 1 to 30$/),
    );
    t.throws(
      video({ width: 1921, height: 1080 }),
      invalid(
        /^sessionSettings\.av\.videoPublisher: found \{"width":1921,"height":1080\}, expected at most 2073600 pixels in all \(1920x1080\)$/,
      ),
    );
    t.throws(
      video({ format: 'I420' }),
      invalid(/videoPublisher\.format: found "I420", allowed are YUV420P, RGB24, ARGB32$/),
    );
    t.throws(
      video({ resolution: {} }),
      invalid(/videoPublisher: found resolution, allowed are width, height, fps, format$/),
    );
    t.throws(
      () => publisherSettings({ name: '' }),
      invalid(/^settings\.name: found "", expected at least one character$/),
    );
    t.throws(
      () => publisherSettings({} as { name: string }),
      invalid(/^settings\.name: found nothing, expected string$/),
    );
    t.throws(
      () => publisherSettings({ name: 'x', hasAudio: false, hasVideo: false }),
      invalid(/^settings: .*hasAudio and hasVideo/),
    );
    t.throws(
      () => subscriberSettings({ subscribeToAudio: false, subscribeToVideo: false }),
      invalid(/^settings: .*subscribeToAudio and subscribeToVideo/),
    );
    t.throws(
      () => subscriberSettings({ videoSettings: { preferredFramerate: 0 } }),
      invalid(/^settings\.videoSettings\.preferredFramerate: found 0, expected a number from 1 to 30$/),
    );
  });
});

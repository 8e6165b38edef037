import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import {
  LoggingSettings,
  parseSettings,
  PublisherSettings,
  SessionAudioSettings,
  SessionSettings,
  SessionVideoPublisherSettings,
  SubscriberSettings,
  VideoResolution,
} from '../../src/session/settings.js';

const invalid = (message: RegExp): { code: string; message: RegExp } => ({ code: 'SLUICE_CONFIG_INVALID', message });

t.test('settings', async (t) => {
  await t.test('what is left out takes the defaults of the connector', async (t) => {
    t.strictSame(parseSettings(SessionSettings, {}, 'settings'), {
      enableMigration: false,
      av: {
        audioPublisher: { sampleRate: 48_000, numberOfChannels: 2 },
        audioSubscribersMix: { sampleRate: 48_000, numberOfChannels: 2 },
        videoPublisher: { resolution: { width: 640, height: 480 }, fps: 30, format: 'YUV420P' },
      },
      logging: { level: 'WARN' },
    });
    t.strictSame(parseSettings(PublisherSettings, { name: 'Bot' }, 'publisher'), {
      name: 'Bot',
      hasAudio: true,
      hasVideo: true,
      audioSettings: { enableStereoMode: true, enableOpusDtx: false },
      videoCodec: 'vp8',
      simulcast: true,
      highWaterMarkMs: 500,
      silenceToleranceMs: 200,
    });
    t.strictSame(parseSettings(SubscriberSettings, {}, 'subscriber'), {
      subscribeToAudio: true,
      subscribeToVideo: true,
      videoSettings: {},
      encoded: false,
      pixelFormat: 'YUV420P',
      maxLagMs: 1000,
    });
  });

  await t.test('formats, codecs and log levels are taken in either case', async (t) => {
    t.equal(parseSettings(LoggingSettings, { level: 'debug' }, 'logging').level, 'DEBUG');
    t.equal(parseSettings(SessionVideoPublisherSettings, { format: 'rgb24' }, 'video').format, 'RGB24');
    t.equal(parseSettings(PublisherSettings, { videoCodec: 'H264' }, 'publisher').videoCodec, 'h264');
    t.throws(() => parseSettings(LoggingSettings, { level: 'loud' }, 'logging'), invalid(/^logging\.level: /));
  });

  await t.test('an error names the path of what is wrong', async (t) => {
    const wrong = { av: { audioPublisher: { sampleRate: 22_050 } } };
    t.throws(
      () => parseSettings(SessionSettings, wrong, 'settings'),
      invalid(/^settings\.av\.audioPublisher\.sampleRate: /),
    );
    t.throws(
      () => parseSettings(SessionSettings, { av: { audio: {} } }, 'settings'),
      invalid(/^settings\.av: .*audio/),
    );
    t.throws(
      () => parseSettings(SessionSettings, { migrate: true }, 'settings'),
      invalid(/migrate/),
      'unknown keys are refused',
    );
    t.throws(() => parseSettings(PublisherSettings, { name: '' }, 'publisher'), invalid(/^publisher\.name: /));
    t.throws(
      () => parseSettings(SessionAudioSettings, { numberOfChannels: 6 }, 'audio'),
      invalid(/^audio\.numberOfChannels: /),
    );
  });

  await t.test('at least one of audio and video is published and subscribed to', async (t) => {
    t.throws(
      () => parseSettings(PublisherSettings, { hasAudio: false, hasVideo: false }, 'p'),
      invalid(/hasAudio and hasVideo/),
    );
    const none = { subscribeToAudio: false, subscribeToVideo: false };
    t.throws(() => parseSettings(SubscriberSettings, none, 's'), invalid(/subscribeToAudio and subscribeToVideo/));
  });

  await t.test('frame rates are 1 to 30', async (t) => {
    for (const fps of [1, 29.97, 30]) t.equal(parseSettings(SessionVideoPublisherSettings, { fps }, 'v').fps, fps);
    for (const fps of [0, 0.5, 30.1, NaN, '30']) {
      t.throws(() => parseSettings(SessionVideoPublisherSettings, { fps }, 'v'), invalid(/^v\.fps: /));
    }
  });

  await t.test('a picture of any shape has at most 1920x1080 pixels', async (t) => {
    const size = fc.integer({ min: 1, max: 2_100_000 });
    fc.assert(
      fc.property(size, size, (width, height) => {
        assert.equal(VideoResolution.safeParse({ width, height }).success, width * height <= 2_073_600);
      }),
      {
        numRuns: 50,
        examples: [
          [1920, 1080],
          [1080, 1920],
          [1921, 1080],
          [2_073_600, 1],
        ],
      },
    );
    t.pass('held for every case');
    for (const width of [0, -1, 1.5])
      t.notOk(VideoResolution.safeParse({ width, height: 480 }).success, `width ${width}`);
  });
});

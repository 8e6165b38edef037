import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { z } from 'zod';
import {
  LoggingSettings,
  parseSettings,
  PublisherSettings,
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
        audioSubscribersMix: { sampleRate: 48_000, numberOfChannels: 2, ptimeMs: 20 },
        videoPublisher: { resolution: { width: 640, height: 480 }, fps: 30, format: 'YUV420P' },
      },
      logging: { level: 'WARN' },
    });
    t.strictSame(parseSettings(PublisherSettings, { name: 'Bot' }, 'publisher'), {
      name: 'Bot',
      hasAudio: true,
      hasVideo: true,
      enableCaptions: false,
      audioSettings: { enableStereoMode: true, enableOpusDtx: false },
      videoCodec: 'vp8',
      simulcast: true,
      highWaterMarkMs: 500,
      silenceToleranceMs: 200,
    });
    t.strictSame(parseSettings(SubscriberSettings, {}, 'subscriber'), {
      subscribeToAudio: true,
      subscribeToVideo: true,
      subscribeToCaptions: false,
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

  await t.test('what is refused is told by its path, with what was found and what is allowed', async (t) => {
    const av = (settings: object) => ({ av: settings });
    const rates = '8000, 12000, 16000, 24000, 32000, 44100, 48000';
    const pixels = 'expected at most 2073600 pixels in all (1920x1080)';
    const side = 'expected a whole number of pixels from 1 on';
    const fps = 'expected a number from 1 to 30';
    const cases: readonly (readonly [z.ZodType, unknown, string])[] = [
      [
        SessionSettings,
        av({ audioPublisher: { sampleRate: 22_050 } }),
        `av.audioPublisher.sampleRate: found 22050, allowed are ${rates}`,
      ],
      [
        SessionSettings,
        av({ audioSubscribersMix: { numberOfChannels: 6 } }),
        'av.audioSubscribersMix.numberOfChannels: found 6, allowed are 1, 2',
      ],
      [SessionSettings, av({ videoPublisher: { fps: 31 } }), `av.videoPublisher.fps: found 31, ${fps}`],
      [SessionSettings, av({ videoPublisher: { fps: '25' } }), `av.videoPublisher.fps: found "25", ${fps}`],
      [
        SessionSettings,
        av({ videoPublisher: { format: 'NV12' } }),
        'av.videoPublisher.format: found "NV12", allowed are YUV420P, RGB24, ARGB32',
      ],
      [
        SessionSettings,
        av({ videoPublisher: { resolution: { width: 1921, height: 1080 } } }),
        `av.videoPublisher.resolution: found {"width":1921,"height":1080}, ${pixels}`,
      ],
      [
        SessionSettings,
        av({ videoPublisher: { resolution: { width: 640.5, height: 0 } } }),
        `av.videoPublisher.resolution.width: found 640.5, ${side}`,
      ],
      [
        SessionSettings,
        av({ videoPublisher: { resolution: { width: 640 } } }),
        `av.videoPublisher.resolution.height: found nothing, ${side}`,
      ],
      [
        SessionSettings,
        av({ audio: {} }),
        'av: found audio, allowed are audioPublisher, audioSubscribersMix, videoPublisher',
      ],
      [SessionSettings, { migrate: true }, ': found migrate, allowed are enableMigration, av, logging'],
      [SessionSettings, { enableMigration: 1 }, 'enableMigration: found 1, expected boolean'],
      [
        SessionSettings,
        { logging: { level: 'loud' } },
        'logging.level: found "loud", allowed are ERROR, WARN, INFO, DEBUG, TRACE',
      ],
      [PublisherSettings, { name: '' }, 'name: found "", expected at least one character'],
      [
        PublisherSettings,
        { hasAudio: false, hasVideo: false },
        ': found {"hasAudio":false,"hasVideo":false}, expected at least one of hasAudio and hasVideo to be true',
      ],
      [
        PublisherSettings,
        { audioSettings: { enableOpusDtx: 'no' } },
        'audioSettings.enableOpusDtx: found "no", expected boolean',
      ],
      [
        SubscriberSettings,
        { subscribeToAudio: false, subscribeToVideo: false },
        ': found {"subscribeToAudio":false,"subscribeToVideo":false}, expected at least one of subscribeToAudio and subscribeToVideo to be true',
      ],
      [
        SubscriberSettings,
        { videoSettings: { preferredFramerate: 0 } },
        `videoSettings.preferredFramerate: found 0, ${fps}`,
      ],
      [
        SubscriberSettings,
        { videoSettings: { preferredResolution: { width: 4000, height: 4000 } } },
        `videoSettings.preferredResolution: found {"width":4000,"height":4000}, ${pixels}`,
      ],
      [SessionSettings, 'none', ': found "none", expected object'],
    ];
    for (const [schema, settings, told] of cases) {
      const message = told.startsWith(':') ? `settings${told}` : `settings.${told}`;
      t.throws(() => parseSettings(schema, settings, 'settings'), { code: 'SLUICE_CONFIG_INVALID', message });
    }
  });

  await t.test('what is found is told in short, whatever it is', async (t) => {
    const name = (value: unknown) => () => parseSettings(PublisherSettings, { name: value }, 'p');
    t.throws(name(new Array(1000).fill('x')), invalid(/^p\.name: found \["x",("x",)*.*…, expected string$/));
    t.throws(
      name(() => 'x'),
      invalid(/^p\.name: found a function, expected string$/),
    );
    t.throws(name(1n), invalid(/^p\.name: found 1, expected string$/));
    const loop: { self?: unknown } = {};
    loop.self = loop;
    t.throws(name(loop), invalid(/^p\.name: found a value that is no plain data, expected string$/));
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

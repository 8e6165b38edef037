import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import * as sluice from '../../src/index.js';
import * as vonage from '../../src/vonage.js';
import { PACKAGE_ROOT } from '../support/package-root.js';

/** What the guide of the Video Connector names, and where docs/video-connector.md tells its place. */
const GUIDE = {
  events: [
    'on_error_cb of connect',
    'on_connected_cb of connect',
    'on_disconnected_cb of connect',
    'on_connection_created_cb',
    'on_connection_dropped_cb',
    'on_stream_received_cb',
    'on_stream_dropped_cb',
    'on_audio_data_cb of connect',
    'on_ready_for_audio_cb',
    'on_media_buffer_drained_cb',
    'on_error_cb of publish',
    'on_stream_created_cb',
    'on_stream_destroyed_cb',
    'on_error_cb of subscribe',
    'on_connected_cb of subscribe',
    'on_disconnected_cb of subscribe',
    'on_render_frame_cb',
    'on_audio_data_cb of subscribe',
    'on_caption_text_cb',
  ],
  methods: [
    'connect',
    'disconnect',
    'publish',
    'unpublish',
    'subscribe',
    'unsubscribe',
    'add_audio',
    'add_video',
    'get_media_buffer_stats',
    'clear_media_buffers',
    'get_connection',
    'is_publishing',
    'is_connected',
  ],
  settings: [
    'enable_migration',
    'av',
    'logging',
    'audio_publisher',
    'audio_subscribers_mix',
    'video_publisher',
    'sample_rate',
    'number_of_channels',
    'resolution',
    'fps',
    'format',
    'level',
    'name',
    'has_audio',
    'has_video',
    'enable_captions',
    'audio_settings',
    'enable_stereo_mode',
    'enable_opus_dtx',
    'subscribe_to_audio',
    'subscribe_to_video',
    'subscribe_to_captions',
    'video_settings',
    'preferred_resolution',
    'preferred_framerate',
  ],
  data: [
    'Session.id',
    'Connection.id',
    'Connection.creation_time',
    'Connection.data',
    'Stream.id',
    'Stream.connection',
    'Publisher.stream',
    'Subscriber.stream',
    'AudioData.sample_buffer',
    'AudioData.sample_rate',
    'AudioData.number_of_channels',
    'AudioData.number_of_frames',
    'VideoFrame.frame_buffer',
    'VideoFrame.resolution',
    'VideoFrame.format',
    'MediaBufferStats.audio.duration',
    'MediaBufferStats.video.duration',
  ],
} as const;

const guide = read('docs/video-connector.md');
const connectorApi = read('src/session/drivers/vonage/connector-api.ts');

/** Where the fields of what `sluice` exports as types are declared. */
const DECLARED = {
  Session: read('src/session/session.ts'),
  Connection: read('src/session/driver.ts'),
  Stream: read('src/media/session-access.ts') + read('src/session/session-events.ts'),
  Publisher: read('src/session/publisher.ts'),
  Subscriber: read('src/session/subscriber.ts'),
  AudioData: read('src/media/audio-data.ts'),
  VideoFrame: read('src/media/video-frame.ts'),
  MediaBufferStats: read('src/session/publisher.ts'),
} as const;

const EVENTS = {
  session: bodyOf('SessionEvents', read('src/session/session-events.ts')),
  publisher: bodyOf('PublisherEvents', read('src/session/publisher.ts')),
  subscriber: bodyOf('SubscriberEvents', read('src/session/subscriber.ts')),
} as const;

const CLASSES = { session: sluice.Session, publisher: sluice.Publisher, subscriber: sluice.Subscriber } as const;

t.test('docs/video-connector.md has a row for each name of the guide', async (t) => {
  for (const [section, names] of Object.entries(GUIDE)) {
    const told = rowsOf(section).map(([name]) => name!.replaceAll('`', ''));
    t.same(told, names, section);
  }
});

t.test('each place that it names in sluice exists', async (t) => {
  for (const section of ['events', 'methods'] as const) {
    for (const [name, inSluice] of rowsOf(section)) {
      const places = spansOf(inSluice!);
      t.ok(places.length > 0, `${name} has its place`);
      for (const place of places) t.ok(isInSluice(place), `${name}: ${place}`);
    }
  }
  for (const [name, inSluice] of [...rowsOf('settings'), ...rowsOf('data')]) {
    for (const place of spansOf(inSluice!)) t.ok(isFieldOfSluice(place), `${name}: ${place}`);
  }
});

t.test('each place that it names in sluice/vonage exists', async (t) => {
  for (const section of ['events', 'methods', 'settings', 'data'] as const) {
    for (const [name, , inVonage] of rowsOf(section)) {
      const places = spansOf(inVonage!);
      t.ok(places.length > 0, `${name} has its place`);
      for (const place of places) t.ok(isInVonage(place), `${name}: ${place}`);
    }
  }
});

t.test('it tells the numbers of errors', async (t) => {
  const told = rowsOf('numbers').map(([code, number]) => [code!.replaceAll('`', ''), Number(number)]);
  t.same(told, Object.entries(vonage.ERROR_NUMBERS));
});

/** `session 'event'`, `session.member`, `await session.method()`, or `await connect()`. */
function isInSluice(place: string): boolean {
  const event = /^(session|publisher|subscriber) '(\w+)'$/.exec(place);
  if (event) return EVENTS[event[1] as keyof typeof EVENTS].includes(` ${event[2]!}: [`);
  const member = /^(?:await )?(session|publisher|subscriber)\.(\w+)(?:\(\))?$/.exec(place);
  if (member) {
    const [, owner, name] = member as unknown as [string, keyof typeof CLASSES, string];
    const declared = DECLARED[CLASSES[owner].name as keyof typeof DECLARED];
    return name in CLASSES[owner].prototype || declared.includes(`  readonly ${name}: `);
  }
  return place === 'await connect()' && typeof sluice.connect === 'function';
}

/** `Schema field` or `Interface field`. */
function isFieldOfSluice(place: string): boolean {
  const [owner = '', field = ''] = place.split(' ');
  const schema = (sluice as Record<string, unknown>)[owner] as { shape?: object } | undefined;
  if (schema?.shape) return field in schema.shape;
  return (DECLARED[owner as keyof typeof DECLARED] as string | undefined)?.includes(`readonly ${field}: `) ?? false;
}

/** `client.method()`, `connect({ onThis })`, or `Interface field`. */
function isInVonage(place: string): boolean {
  const method = /^(?:await )?client\.(\w+)\(\)$/.exec(place);
  if (method) return method[1]! in vonage.VonageVideoClient.prototype;
  const option = /^(connect|publish|subscribe)\(\{ (\w+) \}\)$/.exec(place);
  if (option) {
    const [, call, name] = option as unknown as [string, string, string];
    const options = `${call.charAt(0).toUpperCase()}${call.slice(1)}Options`;
    return bodyOf(options, connectorApi).includes(`readonly ${name}?: `);
  }
  const [owner = '', field = ''] = place.split(' ');
  return new RegExp(`\\b${field}\\??:`).test(bodyOf(owner, connectorApi));
}

function rowsOf(section: string): string[][] {
  const [start, end] = [`<!-- ${section} -->`, `<!-- /${section} -->`];
  const table = guide.slice(guide.indexOf(start) + start.length, guide.indexOf(end));
  const lines = table.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

function spansOf(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

/** The text of an interface, from its name to the line that closes it. */
function bodyOf(name: string, source: string): string {
  const start = source.indexOf(`export interface ${name} {`);
  return start < 0 ? '' : source.slice(start, source.indexOf('\n}', start));
}

function read(path: string): string {
  return readFileSync(join(PACKAGE_ROOT, path), 'utf8');
}

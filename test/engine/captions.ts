import assert from 'node:assert/strict';
import {
  DataPacket,
  DataStream_Chunk,
  DataStream_Header,
  DataStream_TextHeader,
  DataStream_Trailer,
  ParticipantInfo,
  ParticipantInfo_Kind,
  ParticipantInfo_State,
  TrackInfo,
  TrackType,
  Transcription,
  TranscriptionSegment,
} from '@livekit/protocol';
import fc from 'fast-check';
import t from 'tap';
import { captionPackets } from '../../src/engine/captions/caption-packets.js';
import { CaptionReceiver } from '../../src/engine/captions/caption-receiver.js';
import { CaptionSegments } from '../../src/engine/captions/caption-segments.js';
import { Directory } from '../../src/engine/directory.js';
import type { StreamEntry } from '../../src/engine/stream-entry.js';
import { CaptionQueue } from '../../src/media/caption-queue.js';
import { type CaptionsData, MAX_CAPTIONS_BYTES, checkCaptionsData } from '../../src/media/captions.js';

function person(identity: string, tracks: readonly string[], kind = ParticipantInfo_Kind.STANDARD): ParticipantInfo {
  return new ParticipantInfo({
    sid: `PA_${identity}`,
    identity,
    kind,
    state: ParticipantInfo_State.ACTIVE,
    tracks: tracks.map((sid) => new TrackInfo({ sid, type: TrackType.AUDIO, stream: `of ${sid}` })),
  });
}

/** Ann has one stream, Bob two, Art is an agent without any. */
function setUp() {
  const directory = new Directory('me');
  directory.update([person('ann', ['a1']), person('bob', ['b1', 'b2']), person('art', [], ParticipantInfo_Kind.AGENT)]);
  const told: string[] = [];
  const receiver = new CaptionReceiver(directory, (streamId, { text, isFinal, segmentId }) => {
    told.push(`${streamId.slice(3)} ${segmentId ?? '-'} ${text}${isFinal ? '.' : ''}`);
  });
  return { directory, receiver, told };
}

type Value =
  | { readonly case: 'transcription'; readonly value: Transcription }
  | { readonly case: 'streamHeader'; readonly value: DataStream_Header }
  | { readonly case: 'streamChunk'; readonly value: DataStream_Chunk }
  | { readonly case: 'streamTrailer'; readonly value: DataStream_Trailer };

function packet(from: string, value: Value, identity = from): Uint8Array {
  return new DataPacket({ participantSid: `PA_${from}`, participantIdentity: identity, value }).toBinary();
}

function transcription(
  identity: string,
  trackId: string,
  ...texts: [id: string, text: string, final: boolean][]
): Value {
  const segments = texts.map(([id, text, final]) => new TranscriptionSegment({ id, text, final }));
  return {
    case: 'transcription',
    value: new Transcription({ transcribedParticipantIdentity: identity, trackId, segments }),
  };
}

interface Streamed {
  readonly id?: string;
  readonly segment?: string;
  readonly track?: string;
  readonly final?: boolean;
  readonly topic?: string;
  readonly bytes?: number;
}

function header({ id = 's', segment, track, final, topic = 'lk.transcription', bytes }: Streamed): Value {
  const attributes: Record<string, string> = {};
  if (segment !== undefined) attributes['lk.segment_id'] = segment;
  if (track !== undefined) attributes['lk.transcribed_track_id'] = track;
  if (final !== undefined) attributes['lk.transcription_final'] = String(final);
  return {
    case: 'streamHeader',
    value: new DataStream_Header({
      streamId: id,
      topic,
      attributes,
      ...(bytes !== undefined && { totalLength: BigInt(bytes) }),
      contentHeader: { case: 'textHeader', value: new DataStream_TextHeader() },
    }),
  };
}

function chunk(index: number, content: string | Uint8Array, id = 's'): Value {
  const bytes = Buffer.from(content as string);
  return {
    case: 'streamChunk',
    value: new DataStream_Chunk({ streamId: id, chunkIndex: BigInt(index), content: bytes }),
  };
}

function trailer(attributes: Record<string, string> = {}, reason = '', id = 's'): Value {
  return { case: 'streamTrailer', value: new DataStream_Trailer({ streamId: id, attributes, reason }) };
}

t.test('what one participant sends, another reads: each text once, whatever it is made of', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.boolean()), { maxLength: 20 }),
      (texts) => {
        const { directory } = setUp();
        const values: CaptionsData[] = [];
        const reader = new CaptionReceiver(directory, (_streamId, captions) => values.push(captions));
        const names = new CaptionSegments();
        for (const [text, isFinal] of texts) {
          const captions = names.name({ kind: 'captions', text, isFinal });
          for (const bytes of captionPackets({ ...captions, identity: 'ann', trackSid: 'a1', timeMs: 0 })) {
            const sent = DataPacket.fromBinary(bytes);
            sent.participantSid = 'PA_ann';
            sent.participantIdentity = 'ann';
            reader.receive(sent.toBinary());
          }
        }
        // The same text twice in a segment is no news.
        const news = texts.filter(([text, isFinal], i) => {
          const before = texts[i - 1];
          return isFinal || before === undefined || before[1] || before[0] !== text;
        });
        assert.deepEqual(
          values.map(({ text, isFinal }) => [text, isFinal]),
          news,
        );
        let segment = 0;
        const segments = news.map(([, isFinal]) => (isFinal ? segment++ : segment));
        const ids = [...new Set(values.map(({ segmentId }) => segmentId))];
        assert.deepEqual(
          values.map(({ segmentId }) => ids.indexOf(segmentId)),
          segments,
          'a segment ends with its final text',
        );
      },
    ),
    { numRuns: 100 },
  );
  t.pass('held for every case');
  t.end();
});

t.test('a text goes out as a transcription and as a text stream, each in packets that every server takes', (t) => {
  const text = 'ü'.repeat(MAX_CAPTIONS_BYTES / 2);
  const packets = captionPackets({
    text,
    isFinal: true,
    segmentId: 'x'.repeat(128),
    trackSid: 'a1',
    identity: 'ann',
    timeMs: 5,
  });
  t.ok(packets.every(({ length }) => length <= 15 * 1024));
  const values = packets.map((bytes) => DataPacket.fromBinary(bytes).value);
  t.strictSame(
    values.map((value) => value.case),
    ['transcription', 'streamHeader', 'streamChunk', 'streamTrailer'],
  );
  t.match(values[0], {
    value: { transcribedParticipantIdentity: 'ann', trackId: 'a1', segments: [{ text, final: true }] },
  });
  const attributes = { 'lk.transcription_final': 'true', 'lk.transcribed_track_id': 'a1' };
  const totalLength = BigInt(MAX_CAPTIONS_BYTES);
  t.match(values[1], { value: { topic: 'lk.transcription', timestamp: 5n, totalLength, attributes } });
  t.end();
});

t.test('captions belong to the stream of their track, or to the only one of who speaks', (t) => {
  const { receiver, told } = setUp();
  receiver.receive(packet('art', transcription('ann', 'a1', ['1', 'one', false], ['1', 'one two', true])));
  receiver.receive(packet('bob', transcription('', 'b2', ['2', 'b two', true])));
  receiver.receive(packet('ann', transcription('', 'gone', ['3', 'a', true])));
  receiver.receive(packet('bob', transcription('', 'gone', ['4', 'which?', true])));
  receiver.receive(packet('ann', transcription('nobody', '', ['5', 'who?', true])));
  receiver.receive(packet('bob', transcription('bob', 'a1', ['6', 'of ann?', true])));
  t.strictSame(told, ['ann:of a1 1 one', 'ann:of a1 1 one two.', 'bob:of b2 2 b two.', 'ann:of a1 3 a.']);
  t.equal(receiver.discarded, 3);
  t.end();
});

t.test('a text about the track of somebody else counts where an agent says it', (t) => {
  const { receiver, told } = setUp();
  const say = (from: string, track: string, identity = from): void => {
    receiver.receive(packet(from, header({ track, final: true }), identity));
    receiver.receive(packet(from, chunk(0, `${from} of ${track}`), identity));
    receiver.receive(packet(from, trailer(), identity));
  };
  say('art', 'a1');
  say('art', 'b2', 'bob');
  say('bob', 'a1');
  say('ann', 'b1');
  say('bob', 'b1');
  t.strictSame(told, ['ann:of a1 - art of a1.', 'bob:of b2 - art of b2.', 'bob:of b1 - bob of b1.']);
  t.equal(receiver.discarded, 2);
  t.end();
});

t.test('a text that comes a piece at a time is told as it grows, and its end where it is final', (t) => {
  const { receiver, told } = setUp();
  const take = (value: Value): void => {
    receiver.receive(packet('ann', value));
  };
  const smile = Buffer.from('😀');
  take(header({ segment: 'g', final: false }));
  take(chunk(0, 'So '));
  take(chunk(1, smile.subarray(0, 2)));
  take(chunk(1, smile.subarray(0, 2)));
  take(chunk(2, smile.subarray(2)));
  take(trailer({ 'lk.transcription_final': 'true' }));
  t.strictSame(told, ['ann:of a1 g So ', 'ann:of a1 g So 😀', 'ann:of a1 g So 😀.'], 'no character is cut');
  take(header({ segment: 'h' }));
  take(chunk(0, 'partial'));
  take(trailer());
  t.strictSame(told.slice(3), ['ann:of a1 h partial'], 'and nothing twice');
  t.equal(receiver.discarded, 0);
  t.end();
});

t.test('what comes twice is told once, and what is final stays so', (t) => {
  const { receiver, told } = setUp();
  const both = (text: string, final: boolean): void => {
    receiver.receive(packet('art', transcription('ann', 'a1', ['s', text, final])));
    receiver.receive(packet('art', header({ segment: 's', track: 'a1', final, bytes: text.length }), 'ann'));
    receiver.receive(packet('art', chunk(0, text), 'ann'));
    receiver.receive(packet('art', trailer(), 'ann'));
  };
  both('a', false);
  both('a b', false);
  both('a b c', true);
  both('a b', false);
  both('A, b, c', true);
  t.strictSame(told, ['ann:of a1 s a', 'ann:of a1 s a b', 'ann:of a1 s a b c.', 'ann:of a1 s A, b, c.']);
  t.end();
});

t.test('the last words of a stream that has left are still its own', (t) => {
  const { directory, receiver, told } = setUp();
  const entry = directory.stream('PA_bob:of b1') as StreamEntry;
  directory.update([person('bob', ['b2'])]);
  receiver.leave(entry);
  receiver.receive(packet('bob', transcription('bob', 'b1', ['1', 'bye', true])));
  receiver.forget(entry);
  receiver.receive(packet('bob', transcription('bob', 'b1', ['2', 'too late', true])));
  t.strictSame(told, ['bob:of b1 1 bye.', 'bob:of b2 2 too late.']);
  t.end();
});

t.test('what is malformed, too long, out of order or given up is left out and counted', (t) => {
  const { receiver, told } = setUp();
  const long = 'x'.repeat(MAX_CAPTIONS_BYTES + 1);
  const bad: [string, Value[]][] = [
    ['too long', [transcription('ann', 'a1', ['1', long, true])]],
    ['said to be too long', [header({ bytes: MAX_CAPTIONS_BYTES + 1 })]],
    ['grows too long', [header({}), chunk(0, long.slice(0, 8000)), chunk(1, long.slice(0, 8000)), trailer()]],
    ['a gap', [header({}), chunk(1, 'b'), trailer()]],
    ['given up', [header({ final: true }), chunk(0, 'b'), trailer({}, 'no more')]],
  ];
  for (const [why, values] of bad) {
    const [discarded, before] = [receiver.discarded, told.filter((one) => one.endsWith('.')).length];
    for (const value of values) receiver.receive(packet('ann', value));
    t.equal(receiver.discarded, discarded + 1, why);
    t.equal(told.filter((one) => one.endsWith('.')).length, before);
  }
  const discarded = receiver.discarded;
  for (const bytes of [Buffer.from([0xff, 0xff, 0xff]), Buffer.alloc(65_537)]) receiver.receive(bytes);
  t.equal(receiver.discarded, discarded + 2);
  const count = told.length;
  for (const value of [header({ topic: 'chat' }), chunk(0, 'not captions'), trailer()])
    receiver.receive(packet('ann', value));
  receiver.receive(packet('ann', header({ final: true })));
  receiver.receive(packet('bob', chunk(0, 'into the stream of another')));
  receiver.receive(packet('bob', trailer()));
  t.equal(told.length, count);
  for (let i = 0; i < 200; i++) receiver.receive(packet('ann', header({ id: String(i) })));
  t.equal(receiver.discarded, discarded + 2 + 200 + 1 - 64, 'those that never end are given up, the oldest first');
  t.end();
});

t.test('a reader gets as many as it takes; 64 wait for it, and of more the oldest go, counted', (t) => {
  const given: string[] = [];
  let dropped = 0;
  const reader = new CaptionQueue(
    ({ text }) => given.push(text),
    () => dropped++,
  );
  const say = (n: number): void => {
    reader.push({ kind: 'captions', text: String(n), isFinal: true });
  };
  say(-1);
  reader.grant(2);
  for (let i = 0; i < 100; i++) say(i);
  t.strictSame([given, dropped, reader.isEmpty], [['0', '1'], 34, false]);
  reader.grant(100);
  t.strictSame(
    given.slice(2),
    Array.from({ length: 64 }, (_, i) => String(i + 36)),
  );
  t.equal(given.length + dropped, 100, 'in = out + dropped');
  t.equal(reader.isEmpty, true);
  t.end();
});

t.test('captions that cannot be are refused', (t) => {
  const good = { kind: 'captions', text: 'x', isFinal: true } as const;
  for (const value of [good, { ...good, text: '' }, { ...good, segmentId: 'x'.repeat(128) }]) checkCaptionsData(value);
  for (const wrong of [
    { ...good, text: 5 },
    { ...good, isFinal: 'yes' },
    { ...good, text: 'ü'.repeat(4097) },
    { ...good, text: 'x'.repeat(1e6) },
    { ...good, segmentId: '' },
    { ...good, segmentId: 'x'.repeat(129) },
    { ...good, segmentId: 7 },
  ]) {
    t.throws(() => checkCaptionsData(wrong as unknown as CaptionsData), { code: 'SLUICE_FORMAT_MISMATCH' });
  }
  t.end();
});

import {
  DisconnectReason,
  ParticipantInfo,
  ParticipantInfo_State,
  SimulcastCodecInfo,
  TrackInfo,
  TrackSource,
  TrackType,
  VideoLayer,
  VideoQuality,
} from '@livekit/protocol';
import t from 'tap';
import { Directory, type DirectoryChange } from '../../src/engine/directory.js';
import { nearestSize } from '../../src/engine/video-preference.js';

interface Track {
  readonly sid: string;
  readonly type?: TrackType;
  readonly source?: TrackSource;
  readonly stream?: string;
}

function person(sid: string, tracks: readonly Track[] = [], more: Partial<ParticipantInfo> = {}): ParticipantInfo {
  return new ParticipantInfo({
    sid,
    identity: `id-${sid}`,
    state: ParticipantInfo_State.ACTIVE,
    joinedAtMs: 5000n,
    metadata: `data of ${sid}`,
    tracks: tracks.map(({ sid: track, type, source, stream }) => {
      const kind = type ?? (track.startsWith('a') ? TrackType.AUDIO : TrackType.VIDEO);
      const from = source ?? (kind === TrackType.AUDIO ? TrackSource.MICROPHONE : TrackSource.CAMERA);
      return new TrackInfo({ sid: track, type: kind, source: from, stream: stream ?? '' });
    }),
    ...more,
  });
}

/** Changes in one line each. */
function told(changes: readonly DirectoryChange[]): string[] {
  return changes.map((change) => {
    if ('connection' in change) return `${change.type} ${change.connection.connectionId}`;
    if (change.type === 'trackMoved') return `${change.type} ${change.from} ${change.to}`;
    if (change.type === 'trackLost') return `${change.type} ${change.trackSid}`;
    const { state, audioTrack, videoTrack } = change.stream;
    return `${change.type} ${state.streamId} ${audioTrack ?? '-'}/${videoTrack ?? '-'}`;
  });
}

t.test('who comes is told before their streams, who goes after them', (t) => {
  const directory = new Directory('id-me');
  t.same(
    told(directory.update([person('me', [{ sid: 'a0' }]), person('ann', [{ sid: 'a1' }, { sid: 'v1' }]), person('')])),
    ['connectionCreated ann', 'streamReceived ann:camera a1/v1'],
  );
  t.same(told(directory.update([person('ann', [{ sid: 'a1' }, { sid: 'v1' }])])), [], 'the same again is no change');
  t.same(
    told(directory.update([person('bob')])),
    ['connectionCreated bob'],
    'a partial list says nothing of the others',
  );
  t.match(directory.stream('ann:camera')?.state, {
    streamId: 'ann:camera',
    name: 'id-ann',
    hasAudio: true,
    hasVideo: true,
    connection: { connectionId: 'ann', creationTimeMs: 5000, data: 'data of ann', identity: 'id-ann', name: 'id-ann' },
  });
  t.same(told(directory.update([person('ann', [], { state: ParticipantInfo_State.DISCONNECTED })])), [
    'streamDropped ann:camera a1/v1',
    'connectionDropped ann',
  ]);
  t.same(told(directory.update([person('ann', [], { state: ParticipantInfo_State.DISCONNECTED })])), [], 'only once');
  t.equal(directory.stream('ann:camera'), undefined);
  t.end();
});

t.test('tracks are grouped by their stream name, or by camera and screen', (t) => {
  const directory = new Directory('id-me');
  const screen = [
    { sid: 'v2', source: TrackSource.SCREEN_SHARE },
    { sid: 'a2', source: TrackSource.SCREEN_SHARE_AUDIO },
  ];
  const changes = directory.update([
    person('ann', [{ sid: 'a1' }, ...screen, { sid: 'v1' }, { sid: 'a3', stream: 'music' }], { name: 'Ann' }),
  ]);
  t.same(told(changes), [
    'connectionCreated ann',
    'streamReceived ann:camera a1/v1',
    'streamReceived ann:screen_share a2/v2',
    'streamReceived ann:music a3/-',
  ]);
  t.same(
    [...directory.streams()].map(({ state }) => state.name),
    ['Ann', 'Ann', 'music'],
  );
  t.equal(directory.streamOfTrack('v2')?.state.streamId, 'ann:screen_share');
  t.equal(directory.streamOfTrack('v9'), undefined);
  t.same(
    directory.streamsOf('ann').map(({ state }) => state.streamId),
    ['ann:camera', 'ann:screen_share', 'ann:music'],
  );
  t.same(directory.streamsOf('bob'), []);
  t.end();
});

t.test('a track more, one less, and one in place of another', (t) => {
  const directory = new Directory('id-me');
  directory.update([person('ann', [{ sid: 'a1' }])]);
  t.same(told(directory.update([person('ann', [{ sid: 'a1' }, { sid: 'v1' }])])), ['streamUpdated ann:camera a1/v1']);
  t.same(told(directory.update([person('ann', [{ sid: 'a2' }, { sid: 'v1' }])])), ['streamUpdated ann:camera a2/v1']);
  t.same(told(directory.update([person('ann', [{ sid: 'v1' }])])), ['streamUpdated ann:camera -/v1']);
  t.same(directory.stream('ann:camera')?.state.hasAudio, false);
  t.same(told(directory.update([person('ann', [{ sid: 'v1', stream: 'other' }])])), [
    'streamDropped ann:camera -/v1',
    'streamReceived ann:other -/v1',
  ]);
  t.same(told(directory.update([person('ann')])), ['streamDropped ann:other -/v1']);
  t.end();
});

/** The same participant after it has joined again: other ids, later. */
function again(sid: string, identity: string, tracks: readonly Track[] = []): ParticipantInfo {
  return person(sid, tracks, { identity, joinedAtMs: 6000n, metadata: `data of ${identity.slice('id-'.length)}` });
}

t.test('who joins again at another server is who it was, and so are its streams and their readers', (t) => {
  const directory = new Directory('id-me');
  directory.update([person('ann', [{ sid: 'a1' }, { sid: 'v1' }]), person('bob', [{ sid: 'a2' }])]);
  directory.awaitEveryone();
  t.ok(directory.isWaiting);
  t.match(directory.stream('ann:camera'), { audioTrack: undefined, state: { hasAudio: true, hasVideo: true } });
  t.same(told(directory.update([again('ann2', 'id-ann')])), [], 'there, but not what it sent');
  t.same(
    told(directory.update([again('ann2', 'id-ann', [{ sid: 'a9' }])])),
    ['trackMoved a1 a9', 'streamReturned ann:camera a9/-'],
    'its picture is still expected',
  );
  t.same(directory.stream('ann:camera')?.state.hasVideo, true);
  t.same(told(directory.update([again('ann2', 'id-ann', [{ sid: 'a9' }, { sid: 'v9' }])])), [
    'trackMoved v1 v9',
    'streamReturned ann:camera a9/v9',
  ]);
  t.same(directory.streamsOf('ann2').length, 1);
  t.same(directory.streamsOf('ann'), []);
  t.ok(directory.isWaiting, 'bob is not there');
  t.same(told(directory.giveUp()), ['streamDropped bob:camera -/-', 'connectionDropped bob']);
  t.notOk(directory.isWaiting);
  t.same(
    told(directory.update([again('bob2', 'id-bob', [{ sid: 'a8' }])])),
    ['connectionCreated bob2', 'streamReceived bob2:camera a8/-'],
    'too late to be the same',
  );
  t.end();
});

t.test('what does not come back ends, each track by itself', (t) => {
  const directory = new Directory('id-me');
  const music = { sid: 'a3', stream: 'music' };
  directory.update([person('ann', [{ sid: 'a1' }, { sid: 'v1' }, music])]);
  directory.awaitEveryone();
  directory.update([again('ann2', 'id-ann', [{ sid: 'a9' }])]);
  t.same(told(directory.giveUp()), ['trackLost v1', 'streamUpdated ann:camera a9/-', 'streamDropped ann:music -/-']);
  t.match(directory.stream('ann:camera')?.state, { hasAudio: true, hasVideo: false });
  t.equal(directory.stream('ann:music'), undefined);
  t.same(told(directory.giveUp()), []);
  t.end();
});

t.test('a second move before the first is over forgets nothing', (t) => {
  const directory = new Directory('id-me');
  directory.update([person('ann', [{ sid: 'a1' }, { sid: 'v1' }])]);
  directory.awaitEveryone();
  directory.update([again('ann2', 'id-ann', [{ sid: 'a9' }])]);
  directory.awaitEveryone();
  t.same(told(directory.update([again('ann3', 'id-ann', [{ sid: 'a7' }, { sid: 'v7' }])])), [
    'trackMoved a9 a7',
    'trackMoved v1 v7',
    'streamReturned ann:camera a7/v7',
  ]);
  t.end();
});

t.test('the same tracks at the same server are no change', (t) => {
  const directory = new Directory('id-me');
  const ann = person('ann', [{ sid: 'a1' }]);
  directory.update([ann]);
  directory.awaitEveryone();
  t.same(told(directory.update([ann])), ['streamReturned ann:camera a1/-']);
  t.notOk(directory.isWaiting);
  t.end();
});

t.test('who goes elsewhere, or has joined again, is expected back; who leaves is not', (t) => {
  const gone = (disconnectReason: DisconnectReason): ParticipantInfo =>
    person('ann', [], { state: ParticipantInfo_State.DISCONNECTED, disconnectReason });
  for (const reason of [
    DisconnectReason.SERVER_SHUTDOWN,
    DisconnectReason.MIGRATION,
    DisconnectReason.DUPLICATE_IDENTITY,
  ]) {
    const directory = new Directory('id-me');
    directory.update([person('ann', [{ sid: 'a1' }])]);
    t.same(told(directory.update([gone(reason)])), []);
    t.ok(directory.isWaiting);
    t.same(told(directory.update([again('ann2', 'id-ann', [{ sid: 'a9' }])])), [
      'trackMoved a1 a9',
      'streamReturned ann:camera a9/-',
    ]);
  }
  for (const reason of [DisconnectReason.CLIENT_INITIATED, DisconnectReason.CONNECTION_TIMEOUT]) {
    const directory = new Directory('id-me');
    directory.update([person('ann', [{ sid: 'a1' }])]);
    t.same(told(directory.update([gone(reason)])), ['streamDropped ann:camera a1/-', 'connectionDropped ann']);
  }
  t.end();
});

t.test('a participant is there once, whatever is told of an earlier stay', (t) => {
  const directory = new Directory('id-me');
  const old = person('ann', [{ sid: 'a1' }]);
  directory.update([old]);
  t.same(
    told(directory.update([again('ann2', 'id-ann', [{ sid: 'a9' }])])),
    ['trackMoved a1 a9', 'streamReturned ann:camera a9/-'],
    'it has joined again before it was seen to leave',
  );
  t.same(told(directory.update([old])), [], 'old news');
  t.same(told(directory.update([person('ann', [], { state: ParticipantInfo_State.DISCONNECTED })])), []);
  t.match(directory.stream('ann:camera'), { audioTrack: 'a9' });
  t.same(
    told(directory.update([again('me2', 'id-me', [{ sid: 'a5' }])])),
    [],
    'this participant, whichever stay it is',
  );
  t.end();
});

t.test('what is muted is not there for now, though its track is', (t) => {
  const directory = new Directory('id-me');
  const tell = (audioMuted: boolean, videoMuted: boolean): string[] => {
    const info = person('ann', [{ sid: 'a1' }, { sid: 'v1' }]);
    info.tracks[0]!.muted = audioMuted;
    info.tracks[1]!.muted = videoMuted;
    return told(directory.update([info]));
  };
  const has = (): (boolean | undefined)[] => {
    const state = directory.stream('ann:camera')?.state;
    return [state?.hasAudio, state?.hasVideo];
  };
  t.same(tell(true, false), ['connectionCreated ann', 'streamReceived ann:camera a1/v1']);
  t.same(has(), [false, true]);
  t.same(tell(false, true), ['streamUpdated ann:camera a1/v1']);
  t.same(has(), [true, false]);
  t.same(tell(false, true), []);
  t.same(tell(true, true), ['streamUpdated ann:camera a1/v1']);
  t.same(has(), [false, false]);
  t.end();
});

t.test(
  'what has changed of a participant when it joins again is told; its ids stay, and what is muted stays so',
  (t) => {
    const directory = new Directory('id-me');
    const muted = (info: ParticipantInfo): ParticipantInfo => {
      for (const track of info.tracks) track.muted = track.type === TrackType.VIDEO;
      return info;
    };
    const tracks = [{ sid: 'a1' }, { sid: 'v1' }];
    directory.update([muted(person('ann', tracks))]);
    directory.awaitEveryone();
    t.match(directory.stream('ann:camera')?.state, { hasAudio: true, hasVideo: false });
    const back = muted(person('ann2', [{ sid: 'v9' }], { identity: 'id-ann', joinedAtMs: 6000n, metadata: 'new' }));
    t.same(told(directory.update([back])), [
      'connectionUpdated ann',
      'trackMoved v1 v9',
      'streamReturned ann:camera -/v9',
    ]);
    t.match(directory.stream('ann:camera')?.state, {
      hasAudio: true,
      hasVideo: false,
      connection: { connectionId: 'ann', creationTimeMs: 5000, data: 'new' },
    });
    t.same(told(directory.giveUp()), ['trackLost a1', 'streamUpdated ann:camera -/v9']);
    t.match(directory.stream('ann:camera')?.state, { hasAudio: false, hasVideo: false });
    t.end();
  },
);

t.test('what is said of a participant may change, and the names of streams with it', (t) => {
  const directory = new Directory('id-me');
  const [camera, own] = [{ sid: 'a1' }, { sid: 'a2', stream: 'Own' }];
  directory.update([person('ann', [camera, own])]);
  t.same(told(directory.update([person('ann', [camera, own], { metadata: 'new' })])), ['connectionUpdated ann']);
  t.equal(directory.stream('ann:Own')?.state.connection.data, 'new');
  t.same(told(directory.update([person('ann', [camera, own], { metadata: 'new', name: 'Ann' })])), [
    'connectionUpdated ann',
    'streamUpdated ann:camera a1/-',
  ]);
  t.same(
    [...directory.streams()].map(({ state }) => state.name),
    ['Ann', 'Own'],
  );
  t.same(told(directory.update([person('ann', [camera, own], { metadata: 'new', name: 'Ann' })])), []);
  t.end();
});

t.test('the sizes of a video track are known, as far as its publisher has told', (t) => {
  const directory = new Directory('id-me');
  const [small, large] = [
    new VideoLayer({ quality: VideoQuality.LOW, width: 320, height: 180, bitrate: 5 }),
    new VideoLayer({ quality: VideoQuality.HIGH, width: 1280, height: 720 }),
  ];
  const unknown = new VideoLayer({ quality: VideoQuality.MEDIUM });
  const withLayers = (track: object): unknown => {
    const info = person('ann', [{ sid: 'a1' }, { sid: 'v1' }]);
    Object.assign(info.tracks[1]!, track);
    directory.update([info]);
    return directory.stream('ann:camera')?.layers;
  };
  t.strictSame(withLayers({}), []);
  const sizes = [
    { quality: VideoQuality.LOW, width: 320, height: 180 },
    { quality: VideoQuality.HIGH, width: 1280, height: 720 },
  ];
  t.strictSame(withLayers({ layers: [small, unknown, large] }), sizes);
  t.strictSame(withLayers({ layers: [large], codecs: [new SimulcastCodecInfo({ layers: [small, large] })] }), sizes);
  t.end();
});

t.test('of several sizes the nearest to what is preferred is chosen', (t) => {
  const sizes = [
    { width: 320, height: 180 },
    { width: 640, height: 360 },
    { width: 1280, height: 720 },
  ];
  for (const [width, height, index] of [
    [1, 1, 0],
    [320, 180, 0],
    [400, 300, 1],
    [640, 480, 1],
    [900, 500, 1],
    [960, 540, 2],
    [1920, 1080, 2],
    [360, 640, 1],
  ] as const) {
    t.equal(nearestSize(sizes, { width, height }), sizes[index], `${width}x${height}`);
  }
  t.equal(nearestSize(sizes, { fps: 5 }), undefined);
  t.equal(nearestSize([], { width: 640, height: 480 }), undefined);
  t.end();
});

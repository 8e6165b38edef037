import { ParticipantInfo, ParticipantInfo_State, TrackInfo, TrackSource, TrackType } from '@livekit/protocol';
import t from 'tap';
import { Directory, type DirectoryChange } from '../../src/engine/directory.js';

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
    const { state, audioTrack, videoTrack } = change.stream;
    return `${change.type} ${state.streamId} ${audioTrack ?? '-'}/${videoTrack ?? '-'}`;
  });
}

t.test('who comes is told before their streams, who goes after them', (t) => {
  const directory = new Directory('me');
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
  const directory = new Directory('me');
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
  const directory = new Directory('me');
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

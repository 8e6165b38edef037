import t from 'tap';
import { DownTrack } from '../../src/server/forwarding/down-track.js';
import { EVERYTHING } from '../../src/server/forwarding/layer-choice.js';
import { UpTrack } from '../../src/server/forwarding/up-track.js';
import { subscribedQuality } from '../../src/server/quality-messages.js';
import { announceTrack } from '../../src/server/track.js';
import { PUBLISHED, SUBSCRIBED } from './layered-source.js';
import { AddTrackRequest, TrackType, VideoQuality } from '@livekit/protocol';

function setUp() {
  const track = new UpTrack(PUBLISHED);
  const told: number[] = [];
  track.onWantedRank = (rank) => told.push(rank);
  let nowUs = 0;
  const pass = (ms: number): number[] => {
    for (const end = nowUs + ms * 1000; nowUs < end; nowUs += 5000) track.tick(nowUs);
    return told.splice(0);
  };
  const subscribe = (): DownTrack =>
    new DownTrack(track, 90_000, { enqueue: () => undefined, resend: () => undefined });
  return { track, told, pass, subscribe };
}

t.test('a publisher is told the highest layer that anyone takes: more at once, less after a while', (t) => {
  const { told, pass, subscribe } = setUp();
  t.same(pass(2900), []);
  t.same(pass(300), [-1], 'nobody takes it');
  const one = subscribe();
  t.same(told.splice(0), [Infinity]);
  one.wish = { ...EVERYTHING, maxRank: 0 };
  t.same(pass(2000), []);
  const two = subscribe();
  two.wish = { ...EVERYTHING, maxRank: 1 };
  t.same(pass(2900), []);
  t.same(pass(300), [1]);
  one.wish = { ...EVERYTHING, maxRank: 2 };
  t.same(told.splice(0), [2]);
  one.wish = { ...EVERYTHING, disabled: true };
  t.same(pass(4000), [1], 'that the other has not answered yet says nothing');
  two.agree(SUBSCRIBED);
  two.agree(undefined);
  t.same(pass(4000), [-1], 'but that it refuses does');
  one.wish = EVERYTHING;
  t.same(told.splice(0), [Infinity]);
  one.close();
  two.close();
  t.same(pass(4000), [-1]);
  t.end();
});

t.test('in the words of the protocol: a layer by its quality, on or off', (t) => {
  const track = announceTrack(new AddTrackRequest({ cid: 'cam', type: TrackType.VIDEO }), 'PA_x')!;
  track.media = new UpTrack(PUBLISHED);
  const enabled = (rank: number): unknown => {
    const { value } = subscribedQuality(track, rank) as { value: { trackSid: string; subscribedCodecs: unknown } };
    t.equal(value.trackSid, track.sid);
    return value.subscribedCodecs;
  };
  const { LOW, MEDIUM, HIGH } = VideoQuality;
  for (const [rank, on] of [
    [-1, [false, false, false]],
    [0, [true, false, false]],
    [Infinity, [true, true, true]],
  ] as const) {
    const qualities = [LOW, MEDIUM, HIGH].map((quality, i) => ({ quality, enabled: on[i] }));
    t.match(enabled(rank), [{ codec: 'vp8', qualities }]);
  }
  t.end();
});

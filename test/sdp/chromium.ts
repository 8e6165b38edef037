import { chromium, type Page } from 'playwright-core';
import t from 'tap';
import { answerPublisher } from '../../src/engine/sdp/answer.js';
import { negotiateSent } from '../../src/engine/sdp/negotiated.js';
import { type OfferedTrack, offerPublisher, offerSubscriber } from '../../src/engine/sdp/offer.js';
import { parseSessionDescription, writeSessionDescription } from '../../src/engine/sdp/session-description.js';
import { CHROMIUM_FLAGS } from '../support/chromium.js';
import { requireSystem } from '../support/require.js';
import { OURS } from './fixture.js';

await t.test('Chromium takes our descriptions', async (t) => {
  const executablePath = requireSystem(t, 'chromium');
  if (executablePath === undefined) return;
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS] });
  t.teardown(() => browser.close());
  const page = await browser.newPage();

  await t.test('an answer to a simulcast offer leaves every layer on', async (t) => {
    const offer = parseSessionDescription(await publisherOffer(page));
    t.same(
      offer.sections.map((section) => section.kind),
      ['audio', 'video', 'application'],
    );
    const result = await applyAnswer(
      page,
      writeSessionDescription(answerPublisher(offer, { transport: OURS, dataChannel: true })),
    );
    t.match(result, {
      state: 'stable',
      directions: ['sendonly', 'sendonly'],
      encodings: ['q true', 'h true', 'f true'],
    });
    t.same(result.audio, ['audio/opus']);
    t.equal(result.video[0], 'video/VP8');
  });

  await t.test('an answer that prefers H.264 makes it the codec to send', async (t) => {
    const offer = parseSessionDescription(await publisherOffer(page));
    if (!offer.sections.some((section) => section.codecs.some((codec) => codec.name === 'h264'))) {
      t.comment('this Chromium has no H.264');
      return;
    }
    const answer = answerPublisher(offer, { transport: OURS, dataChannel: true, preferredCodec: () => 'h264' });
    const { video } = await applyAnswer(page, writeSessionDescription(answer));
    t.equal(video[0], 'video/H264');
  });

  await t.test('an answer that refuses the video and the data channel', async (t) => {
    const offer = parseSessionDescription(await publisherOffer(page));
    const answer = answerPublisher(offer, { transport: OURS, dataChannel: false, codecs: ['opus'] });
    const { state, directions } = await applyAnswer(page, writeSessionDescription(answer));
    t.equal(state, 'stable');
    t.same(directions, ['sendonly'], 'a rejected section stops its transceiver');
  });

  await t.test('offers to a subscriber: added, unsubscribed, and an m-line used again', async (t) => {
    const transport = { ...OURS, setup: 'actpass' } as const;
    const [audio, video, h264] = tracks();
    const first = offerSubscriber({ transport, dataMid: 'd', sections: [audio, video, h264] });
    const one = await answerOffer(page, writeSessionDescription(first), true);
    t.same(one.tracks, ['audio PA_a|TR_1 TR_1', 'video PA_a|TR_2 TR_2', 'video PA_a|TR_3 TR_3']);
    const sent = negotiateSent(first, parseSessionDescription(one.answer));
    t.same(
      [...sent.values()].map((section) => [section.mid, section.accepted, section.codecs[0]?.rtxPayloadType]),
      [
        ['0', true, undefined],
        ['1', true, 97],
        ['2', true, 109],
      ],
    );
    t.ok(parseSessionDescription(one.answer).transport.dataChannel, 'the data channel is accepted');

    const inactive = offerSubscriber({
      transport,
      dataMid: 'd',
      sessionVersion: 2,
      sections: [audio, { ...video, active: false }, h264],
    });
    const two = await answerOffer(page, writeSessionDescription(inactive), false);
    t.same(two.tracks, []);
    t.same(two.directions, ['recvonly', 'inactive', 'recvonly']);

    const reused = { ...video, ssrc: 77, rtxSsrc: 78, streamId: 'PA_b|TR_9', trackId: 'TR_9' };
    const again = offerSubscriber({ transport, dataMid: 'd', sessionVersion: 3, sections: [audio, reused, h264] });
    const three = await answerOffer(page, writeSessionDescription(again), false);
    t.equal(three.tracks.length, 1);
    t.match(three.tracks[0], /^video PA_b\|TR_9 /, 'the stream id tells the new track');
  });

  await t.test('an offer of a publisher', async (t) => {
    const offer = offerPublisher({ transport: { ...OURS, setup: 'actpass' }, dataMid: 'd', sections: tracks() });
    const { answer } = await answerOffer(page, writeSessionDescription(offer), true);
    const sent = negotiateSent(offer, parseSessionDescription(answer));
    t.same(
      [...sent.values()].map((section) => section.accepted),
      [true, true, true],
    );
    t.strictSame(sent.get('1')?.extensions, { mid: 4, absSendTime: 2, transportSequence: 3 });
    t.same(sent.get('1')?.codecs[0]?.feedback.toSorted(), ['ccm fir', 'goog-remb', 'nack', 'nack pli', 'transport-cc']);
  });
});

function tracks(): [OfferedTrack, OfferedTrack, OfferedTrack] {
  const audio: OfferedTrack = {
    mid: '0',
    kind: 'audio',
    codec: 'opus',
    payloadType: 111,
    ssrc: 11,
    streamId: 'PA_a|TR_1',
    trackId: 'TR_1',
    cname: 'PA_a',
    active: true,
  };
  const video: OfferedTrack = {
    ...audio,
    mid: '1',
    kind: 'video',
    codec: 'vp8',
    payloadType: 96,
    rtxPayloadType: 97,
    ssrc: 21,
    rtxSsrc: 22,
    streamId: 'PA_a|TR_2',
    trackId: 'TR_2',
  };
  const ids = { payloadType: 108, rtxPayloadType: 109, ssrc: 31, rtxSsrc: 32, streamId: 'PA_a|TR_3', trackId: 'TR_3' };
  return [{ ...audio, opus: { stereo: true } }, video, { ...video, ...ids, mid: '2', codec: 'h264' }];
}

// What follows runs in the page, so it stands as text: the types of a browser are not those of Node.

async function publisherOffer(page: Page): Promise<string> {
  return page.evaluate<string>(`(async () => {
    globalThis.pc?.close();
    globalThis.pc = new RTCPeerConnection();
    pc.createDataChannel('_reliable');
    globalThis.audio = pc.addTransceiver('audio', { direction: 'sendonly' }).sender;
    globalThis.video = pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: [
      { rid: 'q', scaleResolutionDownBy: 4 }, { rid: 'h', scaleResolutionDownBy: 2 }, { rid: 'f' }] }).sender;
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
  })()`);
}

interface AnswerResult {
  readonly state: string;
  readonly directions: readonly (string | null)[];
  /** rid and whether it is active. */
  readonly encodings: readonly string[];
  readonly audio: readonly string[];
  readonly video: readonly string[];
}

async function applyAnswer(page: Page, sdp: string): Promise<AnswerResult> {
  return page.evaluate<AnswerResult>(`(async () => {
    await pc.setRemoteDescription({ type: 'answer', sdp: ${JSON.stringify(sdp)} });
    const names = (sender) => [...new Set(sender.getParameters().codecs.map((codec) => codec.mimeType))].filter((name) => !/rtx/.test(name));
    return {
      state: pc.signalingState,
      directions: pc.getTransceivers().map((one) => one.currentDirection),
      encodings: video.getParameters().encodings.map((encoding) => encoding.rid + ' ' + encoding.active),
      audio: names(audio),
      video: names(video),
    };
  })()`);
}

interface OfferResult {
  readonly answer: string;
  /** Of this offer's track events: kind, stream id, track id. */
  readonly tracks: readonly string[];
  readonly directions: readonly (string | null)[];
}

async function answerOffer(page: Page, sdp: string, fresh: boolean): Promise<OfferResult> {
  return page.evaluate<OfferResult>(`(async () => {
    if (${String(fresh)}) { globalThis.pc?.close(); globalThis.pc = new RTCPeerConnection(); }
    const tracks = [];
    pc.ontrack = (event) => tracks.push([event.track.kind, event.streams[0]?.id, event.track.id].join(' '));
    await pc.setRemoteDescription({ type: 'offer', sdp: ${JSON.stringify(sdp)} });
    await pc.setLocalDescription();
    return { answer: pc.localDescription.sdp, tracks, directions: pc.getTransceivers().map((one) => one.currentDirection) };
  })()`);
}

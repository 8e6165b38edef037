/** Runs in the page: `peer` is what tests call, by BrowserPeer. Plain JavaScript, since it is compiled by nobody. */
export const BROWSER_SCRIPT = `
const { DataPacket_Kind, Room, RoomEvent, Track, LogLevel, setLogLevel } = LivekitClient;
setLogLevel(LogLevel.warn);
const peer = { events: [], tracks: new Map(), watchers: [] };
const tell = (event) => { peer.events.push(event); for (const watch of peer.watchers.splice(0)) watch(); };
const changed = () => new Promise((resolve) => peer.watchers.push(resolve));

peer.connect = async ({ url, token, options, autoSubscribe }) => {
  const room = (peer.room = new Room(options ?? {}));
  room
    .on(RoomEvent.TrackSubscribed, (track, publication, participant) => {
      peer.tracks.set(participant.identity + ' ' + track.kind, track);
      tell({ type: 'trackSubscribed', identity: participant.identity, sid: publication.trackSid, kind: track.kind });
    })
    .on(RoomEvent.TrackUnsubscribed, (track, publication, participant) => {
      if (peer.tracks.get(participant.identity + ' ' + track.kind) === track) peer.tracks.delete(participant.identity + ' ' + track.kind);
      tell({ type: 'trackUnsubscribed', identity: participant.identity, sid: publication.trackSid, kind: track.kind });
    })
    .on(RoomEvent.TrackSubscriptionFailed, (sid) => tell({ type: 'subscriptionFailed', sid }))
    .on(RoomEvent.TrackMuted, (publication, participant) => tell({ type: 'muted', identity: participant.identity, sid: publication.trackSid }))
    .on(RoomEvent.TrackUnmuted, (publication, participant) => tell({ type: 'unmuted', identity: participant.identity, sid: publication.trackSid }))
    .on(RoomEvent.ParticipantConnected, (participant) => tell({ type: 'joined', identity: participant.identity }))
    .on(RoomEvent.ParticipantDisconnected, (participant) => tell({ type: 'left', identity: participant.identity }))
    .on(RoomEvent.Disconnected, (reason) => tell({ type: 'disconnected', reason }))
    .on(RoomEvent.Reconnecting, () => tell({ type: 'reconnecting' }))
    .on(RoomEvent.SignalReconnecting, () => tell({ type: 'signalReconnecting' }))
    .on(RoomEvent.Reconnected, () => tell({ type: 'reconnected' }))
    .on(RoomEvent.ActiveSpeakersChanged, (speakers) => tell({ type: 'speakers', identities: speakers.map((one) => one.identity) }))
    .on(RoomEvent.ParticipantAttributesChanged, (_changes, participant) => tell({ type: 'attributes', identity: participant.identity, attributes: { ...participant.attributes } }))
    .on(RoomEvent.TrackStreamStateChanged, (publication, state, participant) => tell({ type: 'streamState', identity: participant.identity, sid: publication.trackSid, state }))
    .on(RoomEvent.DataReceived, (data, participant, kind, topic) => tell({ type: 'data', identity: participant?.identity, text: new TextDecoder().decode(data), topic, lossy: kind === DataPacket_Kind.LOSSY }))
    .on(RoomEvent.TranscriptionReceived, (segments, participant, publication) => {
      for (const { id, text, final } of segments) tell({ type: 'transcription', identity: participant?.identity, sid: publication?.trackSid, segment: id, text, final });
    })
    .on(RoomEvent.RoomMetadataChanged, (metadata) => tell({ type: 'metadata', text: metadata }))
    .on(RoomEvent.ConnectionQualityChanged, (quality, participant) => tell({ type: 'quality', identity: participant.identity, text: quality }));
  room.registerTextStreamHandler('lk.transcription', async (reader, { identity }) => {
    const text = await reader.readAll();
    const attributes = reader.info.attributes;
    const [segment, final, sid] = ['lk.segment_id', 'lk.transcription_final', 'lk.transcribed_track_id'].map((name) => attributes[name]);
    tell({ type: 'captionText', identity, sid, segment, text, final: final === 'true' });
  });
  await room.connect(url, token, { autoSubscribe: autoSubscribe ?? true });
  return { identity: room.localParticipant.identity, others: [...room.remoteParticipants.keys()] };
};

peer.publishTone = async ({ hz }) => {
  const context = (peer.context ??= new AudioContext());
  const oscillator = new OscillatorNode(context, { frequency: hz });
  const gain = new GainNode(context, { gain: 0.4 });
  const out = new MediaStreamAudioDestinationNode(context);
  oscillator.connect(gain).connect(out);
  oscillator.start();
  const publication = await peer.room.localParticipant.publishTrack(out.stream.getAudioTracks()[0], { source: Track.Source.Microphone, dtx: false });
  return publication.trackSid;
};

peer.publishGrey = async ({ width, height, left, right, simulcast, codec }) => {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const paint = canvas.getContext('2d');
  let count = 0;
  setInterval(() => {
    paint.fillStyle = 'rgb(' + left + ',' + left + ',' + left + ')';
    paint.fillRect(0, 0, width / 2, height);
    paint.fillStyle = 'rgb(' + right + ',' + right + ',' + right + ')';
    paint.fillRect(width / 2, 0, width / 2, height);
    paint.fillStyle = count++ % 2 ? 'red' : 'blue';
    paint.fillRect(0, 0, 16, 16);
  }, 66);
  const track = canvas.captureStream(15).getVideoTracks()[0];
  const publication = await peer.room.localParticipant.publishTrack(track, { source: Track.Source.Camera, simulcast, videoCodec: codec ?? 'vp8' });
  return publication.trackSid;
};

peer.publishDevices = async () => {
  await peer.room.localParticipant.enableCameraAndMicrophone();
  return [...peer.room.localParticipant.trackPublications.keys()];
};

peer.track = async (identity, kind) => {
  for (;;) {
    const track = peer.tracks.get(identity + ' ' + kind);
    if (track) return track;
    await changed();
  }
};

/** The loudest frequency, once there is sound. */
peer.hear = async ({ identity }) => {
  const track = await peer.track(identity, 'audio');
  const element = track.attach();
  const context = (peer.context ??= new AudioContext());
  const source = new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track.mediaStreamTrack]) });
  const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
  source.connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  for (let loud = 0; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    analyser.getFloatFrequencyData(bins);
    let best = 0;
    for (let i = 1; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
    if (bins[best] > -40 && ++loud >= 5) {
      element.remove();
      return { hz: (best * context.sampleRate) / analyser.fftSize, db: bins[best] };
    }
  }
};

/** Size and grey of the picture, after some frames were shown. */
peer.see = async ({ identity, frames }) => {
  const track = await peer.track(identity, 'video');
  const element = track.attach();
  document.body.append(element);
  for (let i = 0; i < frames; i++) await new Promise((resolve) => element.requestVideoFrameCallback(resolve));
  const [width, height] = [element.videoWidth, element.videoHeight];
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const paint = canvas.getContext('2d');
  paint.drawImage(element, 0, 0);
  const grey = (x) => paint.getImageData(Math.floor(x), Math.floor(height / 2), 1, 1).data[1];
  track.detach(element);
  element.remove();
  return { width, height, left: grey(width / 4), right: grey((3 * width) / 4) };
};

/** Waits until the picture has the width. */
peer.seeWidth = async ({ identity, width }) => {
  const track = await peer.track(identity, 'video');
  const element = track.attach();
  document.body.append(element);
  while (element.videoWidth !== width) await new Promise((resolve) => element.requestVideoFrameCallback(resolve));
  track.detach(element);
  element.remove();
};

/** Publishes the browser's camera, which is not a real one, in its layers. */
peer.publishCamera = async ({ width, height, fps }) => {
  const media = await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: fps } });
  const publication = await peer.room.localParticipant.publishTrack(media.getVideoTracks()[0], { source: Track.Source.Camera, simulcast: true, videoCodec: 'vp8' });
  peer.camera = publication.track;
  return publication.trackSid;
};

/** What is sent of that: pictures and width by layer, target bitrate, what limits it. */
peer.outbound = async () => {
  const layers = {};
  for (const report of (await peer.camera.sender.getStats()).values()) {
    if (report.type !== 'outbound-rtp') continue;
    const { framesEncoded, frameWidth, targetBitrate, qualityLimitationReason, keyFramesEncoded, active } = report;
    layers[report.rid] = { framesEncoded, frameWidth, targetBitrate, qualityLimitationReason, keyFramesEncoded, active };
  }
  return layers;
};

/** What the browser thinks its connection bears, in bit/s, and how it came to that. */
peer.pair = async () => {
  for (const report of (await peer.camera.sender.getStats()).values())
    if (report.type === 'candidate-pair' && report.nominated) return { bps: report.availableOutgoingBitrate, rtt: report.currentRoundTripTime };
};

/** Notes when each picture from someone is shown, and how wide it is, from now on. */
peer.watch = async ({ identity }) => {
  const track = await peer.track(identity, 'video');
  const element = track.attach();
  document.body.append(element);
  peer.shown = [];
  const note = (now, { width }) => {
    peer.shown.push({ at: now, width });
    element.requestVideoFrameCallback(note);
    for (const watch of peer.watchers.splice(0)) watch();
  };
  element.requestVideoFrameCallback(note);
};

/** Waits for a picture of this width, of those not taken yet. */
peer.shownUntil = async ({ width }) => {
  const begun = performance.now();
  let seen = 0;
  for (;;) {
    const found = peer.shown.slice(seen).some((picture) => picture.width === width);
    seen = peer.shown.length;
    if (found) return { ms: performance.now() - begun };
    await changed();
  }
};

peer.countShown = () => peer.shown.length;

/** Forgets the pictures shown so far but the last, and tells of them. */
peer.takeShown = () => {
  const shown = peer.shown.splice(0, peer.shown.length - 1);
  const gaps = shown.slice(1).map(({ at }, i) => at - shown[i].at);
  return { count: shown.length, longestGapMs: Math.max(0, ...gaps), widths: [...new Set(shown.map(({ width }) => width))] };
};

/** The brightness of each of the next pictures from someone, drawn in this size: base64, a byte a pixel. */
peer.lumas = async ({ identity, pictures, width, height }) => {
  const track = await peer.track(identity, 'video');
  const element = track.attach();
  document.body.append(element);
  const paint = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  const lumas = [];
  while (lumas.length < pictures) {
    await new Promise((resolve) => element.requestVideoFrameCallback(resolve));
    paint.drawImage(element, 0, 0, width, height);
    const { data } = paint.getImageData(0, 0, width, height);
    let bytes = '';
    for (let i = 0; i < data.length; i += 4) bytes += String.fromCharCode(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]);
    lumas.push(btoa(bytes));
  }
  track.detach(element);
  element.remove();
  return lumas;
};

/** getStats of what is received from someone. */
peer.inbound = async ({ identity, kind }) => {
  const track = await peer.track(identity, kind);
  for (const report of (await track.receiver.getStats()).values()) if (report.type === 'inbound-rtp') return { ...report };
  return {};
};

/** The codec in which something is received. */
peer.codec = async ({ identity, kind }) => {
  const stats = await (await peer.track(identity, kind)).receiver.getStats();
  for (const report of stats.values()) if (report.type === 'inbound-rtp') return stats.get(report.codecId).mimeType;
};

peer.setQuality = ({ identity, quality }) => {
  for (const publication of peer.room.remoteParticipants.get(identity).videoTrackPublications.values()) publication.setVideoQuality(quality);
};
peer.setFps = ({ identity, fps }) => {
  for (const publication of peer.room.remoteParticipants.get(identity).videoTrackPublications.values()) publication.setVideoFPS(fps);
};
peer.setEnabled = ({ identity, enabled }) => {
  for (const publication of peer.room.remoteParticipants.get(identity).trackPublications.values()) publication.setEnabled(enabled);
};
peer.setSubscribed = ({ identity, subscribed }) => {
  for (const publication of peer.room.remoteParticipants.get(identity).trackPublications.values()) publication.setSubscribed(subscribed);
};
peer.mute = async ({ sid, muted }) => {
  const publication = peer.room.localParticipant.trackPublications.get(sid);
  await (muted ? publication.mute() : publication.unmute());
};
peer.unpublish = async ({ sid }) => {
  await peer.room.localParticipant.unpublishTrack(peer.room.localParticipant.trackPublications.get(sid).track);
};
peer.setAttributes = ({ attributes }) => peer.room.localParticipant.setAttributes(attributes);
peer.sendData = ({ text, to, topic, lossy }) => peer.room.localParticipant.publishData(new TextEncoder().encode(text), { reliable: !lossy, destinationIdentities: to, topic });
/** A long text, which the client cuts into packets. */
peer.sendText = async ({ bytes, topic }) => {
  await peer.room.localParticipant.sendText('0123456789'.repeat(bytes / 10), { topic });
  return bytes;
};
/** A text with attributes of its own, whole or word by word. */
peer.sendCaptions = async ({ text, attributes, words }) => {
  const options = { topic: 'lk.transcription', attributes };
  if (!words) return void (await peer.room.localParticipant.sendText(text, options));
  const writer = await peer.room.localParticipant.streamText(options);
  for (const word of words) await writer.write(word);
  await writer.close();
};
peer.cutSignalling = () => peer.room.simulateScenario('signal-reconnect');
peer.joinAnew = () => peer.room.simulateScenario('leave-full-reconnect');
peer.disconnect = () => peer.room.disconnect();

/** The first event that has these fields, from number \`from\` on. */
peer.event = async ({ fields, from }) => {
  for (;;) {
    const found = peer.events.slice(from).find((event) => Object.entries(fields).every(([key, value]) => event[key] === value));
    if (found) return found;
    await changed();
  }
};
globalThis.peer = peer;
`;

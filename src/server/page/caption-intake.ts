import { RoomEvent, type Room } from 'livekit-client';
import type { Caption } from './captions.js';

const TOPIC = 'lk.transcription';

type TextReader = Parameters<Parameters<Room['registerTextStreamHandler']>[1]>[0];

/** Tells the captions of a room as they come: text streams, and the transcriptions of senders that know no text streams. */
export function listenForCaptions(room: Room, onCaption: (caption: Caption) => void): void {
  room.on(RoomEvent.TranscriptionReceived, (segments, participant) => {
    if (!participant) return;
    for (const { id, text, final } of segments)
      onCaption({ identity: participant.identity, segmentId: id, text, isFinal: final });
  });
  room.registerTextStreamHandler(TOPIC, (reader, { identity }) => {
    // A stream that breaks off leaves what has come of it.
    readText(room, reader, identity, onCaption).catch(() => undefined);
  });
}

async function readText(
  room: Room,
  reader: TextReader,
  sender: string,
  onCaption: (caption: Caption) => void,
): Promise<void> {
  const attribute = (name: string): string => reader.info.attributes?.[name] ?? '';
  const segmentId = attribute('lk.segment_id') || reader.info.id;
  const identity = speakerOf(room, sender, attribute('lk.transcribed_track_id'));
  let text = '';
  for await (const piece of reader) {
    text += piece;
    onCaption({ identity, segmentId, text, isFinal: false });
  }
  // The end of a stream may say what its beginning did not know.
  if (attribute('lk.transcription_final') === 'true') onCaption({ identity, segmentId, text, isFinal: true });
}

/** Who said it: only an agent is believed about others. */
function speakerOf(room: Room, sender: string, trackSid: string): string {
  if (trackSid === '' || room.remoteParticipants.get(sender)?.isAgent !== true) return sender;
  const everyone = [room.localParticipant, ...room.remoteParticipants.values()];
  const owner = everyone.find((one) => one.getTrackPublications().some((track) => track.trackSid === trackSid));
  return owner?.identity ?? sender;
}

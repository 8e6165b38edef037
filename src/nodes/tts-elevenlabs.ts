import { defineNode } from '../media/node.js';
import { speaking } from '../speech/speaking.js';
import { elevenlabsTts } from '../speech/tts/elevenlabs.js';

/**
 * Says texts by ElevenLabs while they are still written, over a socket for each text. Sound comes out while it is still made, no faster
 * than it is taken, and `words` gives each sentence as captions when its sound comes out. What fails before any sound came is tried again,
 * up to twice; a text that cannot be said is counted, and does not end the node. Measures `first byte` and `first audio` of each text.
 * Errors: SLUICE_SERVICE_REFUSED and SLUICE_SPEECH_FAILED are logged.
 */
export const ttsElevenlabs = defineNode({
  ...speaking(elevenlabsTts),
  summary: 'Says texts by ElevenLabs while they are still written.',
  example: `sessions:
  room: { sessionId: demo }
nodes:
  lines: { type: text-lines, path: lines.txt }
  voice: { type: tts-elevenlabs, apiKey: "\${ELEVENLABS_API_KEY}", voice: JBFqnCBsd6RMkjVDRZzb, from: lines }
  bot:   { type: publisher, captions: true, from: [voice.out, voice.words] }`,
});

import t from 'tap';
import { voiceLatency, type VoiceTimes } from '../../../src/speech/agent/voice-ledger.js';

const TIMES: VoiceTimes = {
  heardUs: 1_000_000,
  detectedUs: 1_200_000,
  transcribedUs: 1_300_000,
  silenceUs: 500_000,
  decidedUs: 1_500_000,
  thoughtUs: 1_600_000,
  synthesisedUs: 1_700_000,
  leadUs: 12_000,
  leftUs: 1_715_000,
};

const sumOf = (stages: Readonly<Record<string, number>>): number =>
  Object.values(stages).reduce((sum, stage) => sum + stage, 0);

t.test('the stages of an answer follow one another; silence and engines are not ours', async (t) => {
  t.same(voiceLatency(TIMES), {
    voiceToVoiceMs: 715,
    stages: { detection: 200, transcription: 100, endpointing: 200, thinking: 100, synthesis: 100, playout: 15 },
    frameworkMs: 3,
  });
});

t.test('words that come after the silence are waited for, which is not ours', async (t) => {
  const late = voiceLatency({ ...TIMES, transcribedUs: 1_490_000, silenceUs: 300_000 });
  t.match(late, { stages: { transcription: 290, endpointing: 10 }, frameworkMs: 13 });
});

t.test('what was never told of a turn took no time', async (t) => {
  for (const untold of [{ detectedUs: 0 }, { transcribedUs: 0 }, { detectedUs: 0, transcribedUs: 0 }]) {
    const { stages, voiceToVoiceMs } = voiceLatency({ ...TIMES, ...untold });
    t.ok(
      Object.values(stages).every((stage) => stage >= 0),
      JSON.stringify(stages),
    );
    t.equal(sumOf(stages), voiceToVoiceMs);
  }
});

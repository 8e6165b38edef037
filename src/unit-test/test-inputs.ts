import { loadAudioScript, videoScript } from './script/load-script.js';
import type { ScriptedOutputs } from './script/script-source.js';
import type { TestToRun } from './test-to-run.js';

/** What gives media instead of sources, by the ids of their nodes. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_FILE_UNDECODABLE. */
export async function loadInputs({ tests, test }: TestToRun): Promise<ReadonlyMap<string, ScriptedOutputs>> {
  const loaded = Object.entries(test.inputs).map(async ([id, { audio, video, texts }]) => {
    const scripts: ScriptedOutputs = {
      ...(audio && { audio: await loadAudioScript(audio, tests.baseDir) }),
      ...(video && { video: videoScript(video) }),
      ...(texts && { texts }),
    };
    return [id, scripts] as const;
  });
  return new Map(await Promise.all(loaded));
}

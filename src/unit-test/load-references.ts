import type { MediaExpectation } from './expectation-schema.js';
import { loadSound } from './script/load-script.js';
import type { TestToRun } from './test-to-run.js';
import type { References } from './witness.js';

/** The sound of every file that something should be like. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_FILE_UNDECODABLE. */
export async function loadReferences({ tests, test }: TestToRun): Promise<References> {
  const { sessions, nodes, files } = test.expect;
  const media: MediaExpectation[] = [
    ...Object.values(sessions).flatMap(({ published }) => Object.values(published)),
    ...Object.values(nodes),
    ...Object.values(files),
  ];
  const paths = new Set(media.flatMap(({ audio }) => audio.flatMap(({ like }) => like ?? [])));
  const loaded = [...paths].map(async (path) => [path, await loadSound(path, tests.baseDir, 1)] as const);
  return new Map(await Promise.all(loaded));
}

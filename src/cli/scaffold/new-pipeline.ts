import { shippedFileFrom } from '../shipped-file.js';
import type { Scaffold } from './write-new.js';

/** A pipeline that works as it is, a bot that gives speakers their voice back, softer; and its test. Pure but for where sluice lies. */
export function newPipeline(path: string, name: string): Scaffold {
  const [file, test] = [`${path}.yaml`, `${path}.test.yaml`];
  return {
    files: [
      { path: file, text: pipelineText(name, shippedFileFrom(file, 'pipelines/schema.json')) },
      { path: test, text: testText(name, shippedFileFrom(test, 'pipelines/test-schema.json')) },
    ],
    next: `sluice test ${test}; sluice run ${file}`,
  };
}

function pipelineText(name: string, schema: string): string {
  return `# yaml-language-server: $schema=${schema}
description: Gives everyone their voice back, softer
sessions:
  # Without a url it is on the embedded server. SLUICE_URL and SLUICE_SESSION_ID stand in for what is not said here.
  room: { sessionId: demo, name: ${name} }
nodes:
  voices: { type: session-audio }
  softer: { type: gain, from: voices, db: -6 }
  bot: { type: publisher, name: ${name}, from: softer }
`;
}

function testText(name: string, schema: string): string {
  return `# yaml-language-server: $schema=${schema}
tests:
  a voice comes back, softer:
    sessions:
      room:
        participants:
          ann: { audio: [{ tone: 440, level: -12, fromMs: 500, toMs: 2500 }] }
    stopMs: 3500
    expect:
      drops: 0
      sessions:
        room:
          published:
            ${name}:
              audio:
                - { toMs: 500, silence: true }
                - { fromMs: 700, toMs: 2300, tone: 440, level: -18 }
                - { fromMs: 2800, toMs: 3500, silence: true }
`;
}

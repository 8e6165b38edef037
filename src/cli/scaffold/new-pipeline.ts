import { schemaPathFrom } from '../schema-path.js';
import type { Scaffold } from './write-new.js';

/** A pipeline that works as it is: a bot that gives speakers their voice back, softer. Pure but for where sluice lies. */
export function newPipeline(path: string, name: string): Scaffold {
  const file = `${path}.yaml`;
  return { files: [{ path: file, text: pipelineText(name, schemaPathFrom(file)) }], next: `sluice run ${file}` };
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

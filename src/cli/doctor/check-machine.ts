import { checkPackage } from './check-need.js';
import { fine, wrong, type Finding } from './finding.js';

/** The oldest Node.js that sluice runs on. */
const NODE = [20, 19] as const;

/** What every pipeline needs of a machine. Never rejects. */
export async function checkMachine(): Promise<Finding[]> {
  const packages = await Promise.all([
    checkPackage(
      'node-datachannel',
      'Install sluice anew on this machine: the package comes with a part for each platform.',
    ),
    checkPackage(
      'node-av/lib',
      'Install sluice anew on this machine; without it files and video cannot be read or written.',
    ),
    checkOpus(),
  ]);
  return [checkNode(), ...packages];
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > NODE[0] || (major === NODE[0] && minor >= NODE[1]);
  const what = `Node.js ${NODE.join('.')} or later`;
  return isNew ? fine(what, process.versions.node) : wrong(what, process.versions.node, 'Install a newer Node.js.');
}

/** Either encoder will do. */
async function checkOpus(): Promise<Finding> {
  const native = await checkPackage('@discordjs/opus', undefined);
  if (native.ok) return fine('Opus encoder', 'native');
  const { ok, found } = await checkPackage('libopus-wasm', undefined);
  return ok ? fine('Opus encoder', 'WebAssembly') : wrong('Opus encoder', found, 'Install sluice anew.');
}

import { SluiceError } from '../media/errors.js';
import type { PlannedBranch, PlannedLink, PlannedNode } from './planned.js';

/** Finds what belongs to branches: everything behind their source, up to the nodes that join. Pure. */
export function planBranches(
  nodes: readonly PlannedNode[],
  links: readonly PlannedLink[],
  problems: SluiceError[],
): readonly PlannedBranch[] {
  const owner = new Map<string, string>();
  const branches: PlannedBranch[] = [];
  for (const source of nodes.filter(makesBranches)) {
    const members = new Set([source.id]);
    for (const node of nodes) {
      if (node.def.joins !== true && links.some((link) => link.to.node === node.id && members.has(link.from.node))) {
        members.add(node.id);
      }
    }
    for (const id of members) claim(id, source.id, owner, links, problems);
    branches.push({ source: source.id, nodes: nodes.filter((node) => members.has(node.id)).map((node) => node.id) });
  }
  if (problems.length > 0) return branches;
  for (const link of links) {
    const branch = owner.get(link.to.node);
    if (branch === undefined || owner.get(link.from.node) === branch) continue;
    problems.push(
      new SluiceError(
        'SLUICE_LINK_INVALID',
        `"${link.to.node}" is made anew for every stream of "${branch}", but "${link.from.node}" is not`,
        { place: link.place, mend: MEND },
      ),
    );
  }
  return branches;
}

const MEND = 'Bring branches together with a node that joins, for instance a mixer.';

function makesBranches(node: PlannedNode): boolean {
  return node.def.branches?.(node.options) === true;
}

function claim(
  id: string,
  source: string,
  owner: Map<string, string>,
  links: readonly PlannedLink[],
  problems: SluiceError[],
): void {
  const other = owner.get(id);
  if (other === undefined) {
    owner.set(id, source);
    return;
  }
  const place = links.filter((link) => link.to.node === id).at(-1)?.place;
  problems.push(
    new SluiceError('SLUICE_LINK_INVALID', `"${id}" lies in the branches of both "${other}" and "${source}"`, {
      ...(place && { place }),
      mend: MEND,
    }),
  );
}

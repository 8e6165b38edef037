import { SluiceError } from '../../media/errors.js';
import type { PlannedBranch, PlannedLink, PlannedNode } from '../planned.js';

type Node = Pick<PlannedNode, 'id' | 'def' | 'options'>;
type Link = Pick<PlannedLink, 'from' | 'to' | 'place'>;

/**
 * What belongs to branches: everything behind their source, up to the nodes that join. SLUICE_BRANCH_INVALID for a node
 * that lies in two of them, or that also takes in what is in none. Pure.
 */
export function checkBranches(
  nodes: readonly Node[],
  links: readonly Link[],
  problems: SluiceError[],
): readonly PlannedBranch[] {
  const sources = nodes.filter((node) => node.def.branches?.(node.options) === true);
  if (sources.length === 0) return [];
  const before = problems.length;
  const owner = new Map<string, string>();
  const branches = sources.map((source) => {
    const members = membersOf(source, nodes, links);
    for (const id of members) claim(id, source.id, owner, links, problems);
    return { source: source.id, nodes: nodes.filter((node) => members.has(node.id)).map((node) => node.id) };
  });
  if (problems.length > before) return branches;
  for (const link of links) {
    const branch = owner.get(link.to.node);
    if (branch === undefined || owner.get(link.from.node) === branch) continue;
    problems.push(
      new SluiceError(
        'SLUICE_BRANCH_INVALID',
        `"${link.to.node}" is made anew for every stream of "${branch}", but "${writtenId(link.from.node)}" is not`,
        {
          place: link.place,
          found: `a link from "${writtenId(link.from.node)}"`,
          expected: `links from the branches of "${branch}" only`,
          mend: MEND,
        },
      ),
    );
  }
  return branches;
}

const MEND = 'Bring branches together with a node that joins, for instance a mixer.';

/** The node that a converter was put in behind. */
function writtenId(id: string): string {
  return id.split(/[+.]/)[0] ?? id;
}

function membersOf(source: Node, nodes: readonly Node[], links: readonly Link[]): ReadonlySet<string> {
  const joining = new Set(nodes.filter((node) => node.def.joins === true).map((node) => node.id));
  const members = new Set([source.id]);
  const open = [source.id];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const link of links) {
      const to = link.to.node;
      if (link.from.node !== id || members.has(to) || joining.has(to)) continue;
      members.add(to);
      open.push(to);
    }
  }
  return members;
}

function claim(
  id: string,
  source: string,
  owner: Map<string, string>,
  links: readonly Link[],
  problems: SluiceError[],
): void {
  const other = owner.get(id);
  if (other === undefined) {
    owner.set(id, source);
    return;
  }
  const place = links.filter((link) => link.to.node === id).at(-1)?.place;
  problems.push(
    new SluiceError('SLUICE_BRANCH_INVALID', `"${id}" lies in the branches of both "${other}" and "${source}"`, {
      ...(place && { place }),
      found: `links from the branches of "${other}" and "${source}"`,
      expected: 'links from the branches of one node',
      mend: MEND,
    }),
  );
}

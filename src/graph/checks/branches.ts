import { SluiceError } from '../../media/errors.js';
import type { PlannedBranch, PlannedLink, PlannedNode } from '../planned.js';

type Node = Pick<PlannedNode, 'id' | 'def' | 'options' | 'outputs'>;
type Link = Pick<PlannedLink, 'from' | 'to' | 'place'>;

/**
 * What belongs to branches: everything behind their source, up to the nodes that join, and what these give back to each branch.
 * SLUICE_BRANCH_INVALID for a node that lies in two of them, or that also takes in what is in none. Pure.
 */
export function checkBranches(
  nodes: readonly Node[],
  links: readonly Link[],
  problems: SluiceError[],
): readonly PlannedBranch[] {
  const sources = nodes.filter((node) => node.def.branches?.(node.options) === true);
  const before = problems.length;
  const givenBack = new Set(links.filter((link) => isPerBranch(link, nodes)));
  const owner = new Map<string, string>();
  const branches = sources.map((source) => {
    const members = membersOf(source, nodes, links, givenBack);
    for (const id of members) claim(id, source.id, owner, links, givenBack, problems);
    return { source: source.id, nodes: nodes.filter((node) => members.has(node.id)).map((node) => node.id) };
  });
  if (problems.length > before) return branches;
  for (const link of links) {
    const branch = owner.get(link.to.node);
    if (givenBack.has(link)) {
      if (branch === undefined) problems.push(outsideBranches(link));
      continue;
    }
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
const MEND_GIVEN_BACK = 'Give the branches of each node a mixer of their own; `out` of one may flow into the other.';

/** The node that a converter was put in behind. */
function writtenId(id: string): string {
  return id.split(/[+.]/)[0] ?? id;
}

function isPerBranch({ from }: Link, nodes: readonly Node[]): boolean {
  const outputs = nodes.find((node) => node.id === from.node)?.outputs;
  return outputs?.find((port) => port.name === from.output)?.perBranch === true;
}

/** `givenBack`: links that lead from a join to what belongs to the branches that flow into it. */
function membersOf(
  source: Node,
  nodes: readonly Node[],
  links: readonly Link[],
  givenBack: ReadonlySet<Link>,
): ReadonlySet<string> {
  const joining = new Set(nodes.filter((node) => node.def.joins === true).map((node) => node.id));
  const seen = new Set([source.id]);
  // A set that grows is walked through to its end.
  for (const id of seen) {
    for (const link of links) {
      if (link.from.node === id && (!joining.has(id) || givenBack.has(link))) seen.add(link.to.node);
    }
  }
  return new Set([...seen].filter((id) => !joining.has(id)));
}

function outsideBranches({ from, to, place }: Link): SluiceError {
  return new SluiceError(
    'SLUICE_BRANCH_INVALID',
    `"${from.node}.${from.output}" is there once for each branch, and "${writtenId(to.node)}" is in none`,
    {
      place,
      found: `a link to "${writtenId(to.node)}"`,
      expected: `a link to a node of the branches that flow into "${from.node}"`,
      mend: `Put a subscriber with \`streams: each\` in front of "${from.node}", and read it with a node that does not join.`,
    },
  );
}

function claim(
  id: string,
  source: string,
  owner: Map<string, string>,
  links: readonly Link[],
  givenBack: ReadonlySet<Link>,
  problems: SluiceError[],
): void {
  const other = owner.get(id);
  if (other === undefined) {
    owner.set(id, source);
    return;
  }
  const link = links.filter((one) => one.to.node === id).at(-1);
  const place = link?.place;
  problems.push(
    new SluiceError('SLUICE_BRANCH_INVALID', `"${id}" lies in the branches of both "${other}" and "${source}"`, {
      ...(place && { place }),
      found: `links from the branches of "${other}" and "${source}"`,
      expected: 'links from the branches of one node',
      mend: link && givenBack.has(link) ? MEND_GIVEN_BACK : MEND,
    }),
  );
}

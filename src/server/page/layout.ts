export interface GridLayout {
  readonly columns: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
}

export interface GridSpace {
  readonly width: number;
  readonly height: number;
  readonly gap: number;
}

const MIN_TILE_WIDTH = 150;
// Pictures are cut to their tile; within these shapes no face is lost.
const WIDEST = 16 / 9;
const NARROWEST = { landscape: 4 / 3, portrait: 3 / 4 };

/**
 * The columns that give `count` tiles the most area within `space` (all in CSS pixels). Tiles are at most 16:9
 * wide, and at most 4:3 narrow (3:4 where the space stands upright, as on a phone). When they would become narrower than 150 px, the grid keeps that width and grows downwards: the page scrolls.
 */
export function layoutGrid(count: number, space: GridSpace): GridLayout {
  const tiles = Math.max(1, count);
  let best = shape(1, tiles, space);
  for (let columns = 2; columns <= tiles; columns++) {
    const next = shape(columns, tiles, space);
    if (next.tileWidth * next.tileHeight > best.tileWidth * best.tileHeight) best = next;
  }
  if (best.tileWidth >= Math.min(MIN_TILE_WIDTH, space.width) && best.tileHeight > 0) return best;
  const columns = Math.max(1, Math.floor((space.width + space.gap) / (MIN_TILE_WIDTH + space.gap)));
  const tileWidth = Math.floor((space.width - space.gap * (columns - 1)) / columns);
  return { columns, tileWidth, tileHeight: Math.floor(tileWidth / (4 / 3)) };
}

function shape(columns: number, tiles: number, { width, height, gap }: GridSpace): GridLayout {
  const rows = Math.ceil(tiles / columns);
  const roomX = (width - gap * (columns - 1)) / columns;
  const roomY = (height - gap * (rows - 1)) / rows;
  const tileWidth = Math.max(0, Math.min(roomX, roomY * WIDEST));
  const narrowest = width > height ? NARROWEST.landscape : NARROWEST.portrait;
  const tileHeight = Math.max(0, Math.min(roomY, tileWidth / narrowest));
  return { columns, tileWidth: Math.floor(tileWidth), tileHeight: Math.floor(tileHeight) };
}

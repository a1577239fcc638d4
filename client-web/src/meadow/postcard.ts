/** The meadow behind the start panel: a small place of its own, without a server. */
import type { Actor } from './actors.ts';
import { chance } from './chance.ts';
import { Tile, TileMap } from './map.ts';

const SIDE = 44;

/** The length of `2 × (x, y)` from the middle, made uneven. */
function around(x: number, y: number, cx: number, cy: number, wide: number): number {
  return Math.hypot((x - cx) / wide, y - cy) + Math.sin(x * 0.7) * 0.5 + Math.cos(y * 0.9) * 0.4;
}

export function postcardMap(): TileMap {
  const tiles = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const pond = Math.min(around(x, y, 30, 15, 1.3), around(x, y, 11, 31, 1.5));
      const way = Math.abs(y - (22 + Math.sin(x * 0.24) * 3.2));
      let tile: number = chance(x, y, 150) < 0.03 ? Tile.Tree : Tile.Grass;
      if (Math.sin(x * 0.5) + Math.cos(y * 0.43) > 1.2) tile = Tile.TallGrass;
      if (Math.sin(x * 0.31 + 2) + Math.sin(y * 0.37 + x * 0.1) > 1.15 && chance(x, y, 151) < 0.5) tile = Tile.Tree;
      if (pond < 5.5) tile = Tile.Sand;
      if (way < 0.9) tile = Tile.Path;
      if (pond < 4.2) tile = Tile.Water;
      tiles[y * SIDE + x] = tile;
    }
  }
  return new TileMap(SIDE, SIDE, tiles);
}

/** Animals that walk in circles, and flowers, at the time `seconds`. */
export function postcardActors(map: TileMap, seconds: number): Actor[] {
  const actors: Actor[] = [];
  const stroll = (kind: Actor['kind'], cx: number, cy: number, r: number, speed: number) => {
    const id = actors.length + 1;
    const angle = seconds * (speed / r) + id * 2.1;
    actors.push({
      id, kind, name: '', score: 0, hue: (id * 37) % 256, x: cx + Math.cos(angle) * r, y: cy + Math.sin(angle) * r * 0.6,
      turn: ((angle / (Math.PI * 2) + 0.25) * 256) % 256,
    });
  };
  for (const [x, y] of [[16, 17], [24, 26], [20, 29], [36, 27]] as const) stroll('Sheep', x, y, 1.4, 0.5);
  for (const [x, y] of [[30, 15], [31, 13], [11, 31]] as const) stroll('Duck', x, y, 1.8, 0.5);
  for (const [x, y] of [[22, 18], [27, 29], [14, 24]] as const) stroll('Rabbit', x, y, 1.6, 1.2);
  for (let i = 0; i < 70; i++) {
    const x = 3 + chance(i, 1, 152) * (SIDE - 6);
    const y = 3 + chance(i, 2, 152) * (SIDE - 6);
    const tile = map.at(Math.floor(x), Math.floor(y));
    if (tile !== Tile.Grass && tile !== Tile.TallGrass) continue;
    actors.push({ id: 100 + i, kind: 'Flower', name: '', score: 0, hue: Math.floor(chance(i, 3, 152) * 256), x, y, turn: 0 });
  }
  return actors;
}

/** Where to look from: a slow circle. */
export function postcardView(seconds: number): { x: number; y: number } {
  return { x: SIDE / 2 + Math.cos(seconds * 0.05) * 3, y: SIDE / 2 + Math.sin(seconds * 0.05) * 2 };
}

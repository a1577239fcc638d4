/**
 * The room's tiles.
 *
 * In: `Shared.tiles`, pairs of (count, tile), row by row. Out: what lies where. One tile is 1 m.
 */

export const Tile = { Grass: 0, TallGrass: 1, Path: 2, Water: 3, Tree: 4, Sand: 5, Bridge: 6 } as const;

/** A map beyond this would only be a mistake, and a canvas would not hold its picture. */
const SIDE_MAX = 2048;

export class TileMap {
  readonly width: number;
  readonly height: number;
  readonly tiles: Uint8Array;

  constructor(width: number, height: number, tiles: Uint8Array) {
    this.width = width;
    this.height = height;
    this.tiles = tiles;
  }

  /** Unpacks run lengths. What is missing is grass and what is too much is dropped. */
  static fromRuns(width: number, height: number, runs: Uint8Array): TileMap {
    const w = Math.min(width, SIDE_MAX);
    const h = Math.min(height, SIDE_MAX);
    const tiles = new Uint8Array(w * h);
    let at = 0;
    for (let i = 0; i + 1 < runs.length && at < tiles.length; i += 2) {
      tiles.fill(runs[i + 1]!, at, at + runs[i]!);
      at += runs[i]!;
    }
    return new TileMap(w, h, tiles);
  }

  /** Beyond the edge the nearest tile goes on, so that water and woods run out of the picture. */
  at(x: number, y: number): number {
    const cx = Math.min(this.width - 1, Math.max(0, x));
    const cy = Math.min(this.height - 1, Math.max(0, y));
    return this.tiles[cy * this.width + cx] ?? Tile.Grass;
  }
}

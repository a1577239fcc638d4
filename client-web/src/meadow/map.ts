/**
 * The room's tiles.
 *
 * In: `Shared.tiles`, pairs of (count, tile), row by row, and `Shared.gates`. Out: what lies where, and
 * where nobody walks. One tile is 1 m.
 */
import type { Gate, Shared } from '../games/meadow.ts';

export const Tile = { Grass: 0, TallGrass: 1, Path: 2, Water: 3, Tree: 4, Sand: 5, Bridge: 6, Fence: 7 } as const;

const BLOCKING: readonly number[] = [Tile.Water, Tile.Tree, Tile.Fence];

/** A map beyond this would only be a mistake, and a canvas would not hold its picture. */
const SIDE_MAX = 2048;

export class TileMap {
  readonly width: number;
  readonly height: number;
  readonly tiles: Uint8Array;
  /** The squares of gates, by index, and whether they are open. */
  private gates = new Map<number, boolean>();

  constructor(width: number, height: number, tiles: Uint8Array) {
    this.width = width;
    this.height = height;
    this.tiles = tiles;
  }

  /** Says which gates there are; those that are closed block. */
  setGates(gates: readonly Gate[]): void {
    this.gates.clear();
    for (const gate of gates) {
      for (let y = gate.y; y < gate.y + gate.height; y++) {
        for (let x = gate.x; x < gate.x + gate.width; x++) this.gates.set(y * this.width + x, gate.open);
      }
    }
  }

  /** Whether nobody on foot gets there. Beyond the edge nobody does. */
  isBlocked(x: number, y: number): boolean {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return true;
    const index = y * this.width + x;
    return BLOCKING.includes(this.tiles[index]!) || this.gates.get(index) === false;
  }

  isGate(x: number, y: number): boolean {
    return x >= 0 && x < this.width && this.gates.has(y * this.width + x);
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

/** A room's map, unpacked once. */
export class KeptMap {
  private map = new TileMap(0, 0, new Uint8Array());
  private runs: Uint8Array | null = null;
  private gates: readonly Gate[] | null = null;

  of(shared: Shared): TileMap {
    // The bytes and the list are replaced only when the server sends the field anew.
    const isNew = shared.tiles !== this.runs;
    if (isNew) {
      this.runs = shared.tiles;
      this.map = TileMap.fromRuns(shared.width, shared.height, shared.tiles);
    }
    if (isNew || shared.gates !== this.gates) {
      this.gates = shared.gates;
      this.map.setGates(shared.gates);
    }
    return this.map;
  }
}

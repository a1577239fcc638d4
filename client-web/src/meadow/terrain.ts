/**
 * The ground, painted once per square of tiles and kept.
 *
 * In: the map and a scale. Out: pictures of 8×8 m, transparent where there is water, so that the
 * moving water can be drawn beneath. A few are painted per picture; the most recently used are kept.
 */
import { paintBridge } from './bridge.ts';
import { chance } from './chance.ts';
import { Tile, type TileMap } from './map.ts';
import { outlineOf } from './outline.ts';
import * as palette from './palette.ts';

export const CHUNK_M = 8;
/** Enough for a large screen and the way ahead; one is 2.4 MB at 96 px per metre. */
const CHUNKS_MAX = 56;
/** More in one picture would be felt as a hitch. */
const PAINTED_PER_PICTURE = 2;

export class Terrain {
  readonly water: Path2D;
  private readonly map: TileMap;
  private readonly tall: Path2D;
  private readonly sand: Path2D;
  private readonly path: Path2D;
  private readonly woods: Path2D;
  private readonly chunks = new Map<string, HTMLCanvasElement>();
  private scale = 0;

  constructor(map: TileMap) {
    this.map = map;
    const outline = (...tiles: number[]) =>
      outlineOf(map.width, map.height, (x, y) => tiles.includes(map.at(x, y)));
    this.water = outline(Tile.Water, Tile.Bridge);
    this.tall = outline(Tile.TallGrass);
    this.sand = outline(Tile.Sand);
    this.path = outline(Tile.Path);
    this.woods = outline(Tile.Tree);
  }

  /** Draws the part from (left, top) to (right, bottom), in metres; `scale` is device pixels per metre. */
  draw(ctx: CanvasRenderingContext2D, left: number, top: number, right: number, bottom: number, scale: number): void {
    if (scale !== this.scale) {
      this.scale = scale;
      this.chunks.clear();
    }
    let allowance = this.chunks.size === 0 ? Infinity : PAINTED_PER_PICTURE;
    for (let cy = Math.floor(top / CHUNK_M); cy * CHUNK_M < bottom; cy++) {
      for (let cx = Math.floor(left / CHUNK_M); cx * CHUNK_M < right; cx++) {
        const key = `${cx},${cy}`;
        let chunk = this.chunks.get(key);
        if (chunk) this.chunks.delete(key);
        else if (allowance > 0) {
          allowance -= 1;
          chunk = this.paint(cx * CHUNK_M, cy * CHUNK_M);
        }
        if (!chunk) {
          ctx.fillStyle = palette.GRASS;
          ctx.fillRect(cx * CHUNK_M, cy * CHUNK_M, CHUNK_M, CHUNK_M);
          continue;
        }
        this.chunks.set(key, chunk);
        ctx.drawImage(chunk, cx * CHUNK_M, cy * CHUNK_M, CHUNK_M, CHUNK_M);
      }
    }
    for (const key of this.chunks.keys()) {
      if (this.chunks.size <= CHUNKS_MAX) break;
      this.chunks.delete(key);
    }
  }

  private paint(left: number, top: number): HTMLCanvasElement {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = CHUNK_M * this.scale;
    const ctx = canvas.getContext('2d')!;
    ctx.setTransform(this.scale, 0, 0, this.scale, -left * this.scale, -top * this.scale);
    ctx.lineCap = ctx.lineJoin = 'round';
    ctx.fillStyle = palette.GRASS;
    ctx.fillRect(left, top, CHUNK_M, CHUNK_M);
    const tiles = (margin: number, visit: (x: number, y: number, tile: number) => void) => {
      for (let y = top - margin; y < top + CHUNK_M + margin; y++) {
        for (let x = left - margin; x < left + CHUNK_M + margin; x++) visit(x, y, this.map.at(x, y));
      }
    };
    tiles(3, (x, y) => paintPatch(ctx, x, y));
    tiles(1, (x, y, tile) => (tile <= Tile.TallGrass || tile === Tile.Fence) && paintBlades(ctx, x, y));
    this.fill(ctx, this.woods, 'rgba(62, 122, 48, 0.55)');
    this.fill(ctx, this.tall, 'rgba(92, 158, 50, 0.7)');
    this.fill(ctx, this.sand, palette.SAND, palette.SAND_DARK, 0.14);
    this.fill(ctx, this.path, palette.PATH, palette.PATH_DARK, 0.1);
    tiles(1, (x, y, tile) => paintGrit(ctx, x, y, tile));
    this.cutWater(ctx);
    tiles(1, (x, y, tile) => tile === Tile.Bridge && paintBridge(ctx, this.map, x, y));
    tiles(3, (x, y, tile) => tile === Tile.Tree && paintTreeShadow(ctx, x, y));
    return canvas;
  }

  private fill(ctx: CanvasRenderingContext2D, path: Path2D, colour: string, edge?: string, edgeWidth = 0): void {
    if (edge) {
      ctx.strokeStyle = edge;
      ctx.lineWidth = edgeWidth * 2;
      ctx.stroke(path);
    }
    ctx.fillStyle = colour;
    ctx.fill(path, 'evenodd');
  }

  private cutWater(ctx: CanvasRenderingContext2D): void {
    const { water } = this;
    ctx.strokeStyle = 'rgba(239, 220, 166, 0.75)';
    ctx.lineWidth = 0.5;
    ctx.stroke(water);
    ctx.globalCompositeOperation = 'destination-out';
    ctx.fillStyle = '#000';
    ctx.fill(water, 'evenodd');
    ctx.globalCompositeOperation = 'source-over';
    ctx.save();
    ctx.clip(water, 'evenodd');
    // Wide and faint to narrow and light: the water grows shallow towards the shore.
    for (const [width, colour] of [[2.6, 'rgba(127, 208, 224, 0.22)'], [1.5, 'rgba(127, 208, 224, 0.3)'], [0.7, 'rgba(190, 236, 232, 0.4)']] as const) {
      ctx.lineWidth = width;
      ctx.strokeStyle = colour;
      ctx.stroke(water);
    }
    // The bank stands above the water: seen at its upper shores only.
    ctx.translate(0, 0.1);
    ctx.lineWidth = 0.24;
    ctx.strokeStyle = 'rgba(96, 72, 44, 0.4)';
    ctx.stroke(water);
    ctx.translate(0, -0.1);
    ctx.lineWidth = 0.12;
    ctx.strokeStyle = palette.SAND;
    ctx.stroke(water);
    ctx.restore();
  }
}

/** Broad, faint patches of lighter and darker grass. */
function paintPatch(ctx: CanvasRenderingContext2D, x: number, y: number): void {
  const pick = chance(x, y, 3);
  if (pick > 0.34) return;
  ctx.fillStyle = pick < 0.17 ? 'rgba(170, 220, 96, 0.2)' : 'rgba(104, 168, 52, 0.16)';
  ctx.beginPath();
  const size = 0.8 + chance(x, y, 4) * 1.6;
  ctx.ellipse(x + chance(x, y, 5), y + chance(x, y, 6), size, size * 0.62, chance(x, y, 7) * 3, 0, Math.PI * 2);
  ctx.fill();
}

function paintBlades(ctx: CanvasRenderingContext2D, x: number, y: number): void {
  for (let i = 0; i < 5; i++) {
    const bx = x + chance(x, y, 10 + i);
    const by = y + chance(x, y, 20 + i);
    ctx.strokeStyle = i % 2 ? 'rgba(79, 143, 50, 0.4)' : 'rgba(190, 230, 120, 0.5)';
    ctx.lineWidth = 0.035;
    ctx.beginPath();
    ctx.moveTo(bx - 0.05, by - 0.1);
    ctx.lineTo(bx, by);
    ctx.lineTo(bx + 0.06, by - 0.12);
    ctx.stroke();
  }
  // Now and then a few daisies, too small to pick.
  if (chance(x, y, 30) > 0.08) return;
  for (let i = 0; i < 4; i++) {
    ctx.fillStyle = chance(x, y, 31) < 0.5 ? '#fffdf2' : '#ffe9a8';
    ctx.beginPath();
    ctx.arc(x + chance(x, y, 32 + i), y + chance(x, y, 40 + i), 0.05, 0, Math.PI * 2);
    ctx.fill();
  }
}

function paintGrit(ctx: CanvasRenderingContext2D, x: number, y: number, tile: number): void {
  if (tile !== Tile.Path && tile !== Tile.Sand) return;
  for (let i = 0; i < 5; i++) {
    const light = chance(x, y, 50 + i) < 0.5;
    ctx.fillStyle = light ? 'rgba(255, 246, 220, 0.55)' : 'rgba(140, 108, 66, 0.3)';
    ctx.beginPath();
    const size = 0.03 + chance(x, y, 60 + i) * (tile === Tile.Path ? 0.06 : 0.025);
    ctx.ellipse(x + chance(x, y, 70 + i), y + chance(x, y, 80 + i), size * 1.3, size, 0, 0, Math.PI * 2);
    ctx.fill();
  }
}

function paintTreeShadow(ctx: CanvasRenderingContext2D, x: number, y: number): void {
  ctx.fillStyle = 'rgba(24, 60, 36, 0.2)';
  ctx.beginPath();
  ctx.ellipse(x + 0.85, y + 0.85, 1.15, 0.5, 0.12, 0, Math.PI * 2);
  ctx.fill();
}

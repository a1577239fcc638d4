/** A bridge's planks and rails, tile by tile, as part of the ground's picture. */
import { chance } from './chance.ts';
import { Tile, type TileMap } from './map.ts';
import * as palette from './palette.ts';

const BOARDS = 4;

export function paintBridge(ctx: CanvasRenderingContext2D, map: TileMap, x: number, y: number): void {
  const dry = (dx: number, dy: number) => (map.at(x + dx, y + dy) === Tile.Water ? 0 : 1);
  const across = dry(-1, 0) + dry(1, 0) >= dry(0, -1) + dry(0, 1);
  ctx.save();
  ctx.translate(x + 0.5, y + 0.5);
  // Painted as if one walked to the right; a bridge that runs downwards is turned.
  if (!across) ctx.rotate(Math.PI / 2);
  const [openLeft, openRight] = across ? [!dry(0, -1), !dry(0, 1)] : [!dry(1, 0), !dry(-1, 0)];
  if (across && openRight) {
    ctx.fillStyle = 'rgba(20, 60, 90, 0.35)';
    ctx.fillRect(-0.5, 0.5, 1, 0.28);
  }
  for (let i = 0; i < BOARDS; i++) {
    const shade = chance(x * BOARDS + i, y, 90);
    ctx.fillStyle = shade < 0.33 ? '#c3976a' : shade < 0.66 ? palette.PLANK : '#ad7f50';
    const left = -0.5 + i / BOARDS;
    ctx.fillRect(left - 0.02, -0.52, 1 / BOARDS + 0.04, 1.04);
    ctx.fillStyle = 'rgba(84, 56, 30, 0.55)';
    ctx.fillRect(left, -0.52, 0.03, 1.04);
  }
  for (const [open, side] of [[openLeft, -0.5], [openRight, 0.5]] as const) {
    if (!open) continue;
    ctx.fillStyle = palette.PLANK_DARK;
    ctx.fillRect(-0.52, side - 0.07, 1.04, 0.14);
    ctx.fillStyle = '#94693f';
    ctx.fillRect(-0.52, side - 0.07, 1.04, 0.06);
    ctx.beginPath();
    ctx.arc(0, side, 0.11, 0, Math.PI * 2);
    ctx.fill();
  }
  ctx.restore();
}

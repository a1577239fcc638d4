/** The moving water beneath the ground's picture. */
import { chance } from './chance.ts';
import { Tile, type TileMap } from './map.ts';
import * as palette from './palette.ts';

/** Ripples are drawn in this many groups of equal brightness: one stroke for each. */
const GROUPS = 5;

export function drawWater(
  ctx: CanvasRenderingContext2D, map: TileMap, left: number, top: number, right: number, bottom: number, seconds: number,
): void {
  const ripples = Array.from({ length: GROUPS }, () => new Path2D());
  let any = false;
  for (let y = Math.floor(top) - 1; y < bottom + 1; y++) {
    for (let x = Math.floor(left) - 1; x < right + 1; x++) {
      const tile = map.at(x, y);
      if (tile !== Tile.Water && tile !== Tile.Bridge) continue;
      any = true;
      if (chance(x, y, 100) > 0.6) continue;
      const beat = Math.sin(seconds * (0.7 + chance(x, y, 101) * 0.5) + chance(x, y, 102) * 6.3);
      if (beat <= 0) continue;
      const path = ripples[Math.min(GROUPS - 1, Math.floor(beat * GROUPS))]!;
      const cx = x + chance(x, y, 103) + Math.sin(seconds * 0.3 + x) * 0.2;
      const cy = y + chance(x, y, 104);
      const half = 0.16 + 0.22 * chance(x, y, 105);
      path.moveTo(cx - half, cy);
      path.quadraticCurveTo(cx - half / 2, cy - 0.09, cx, cy);
      path.quadraticCurveTo(cx + half / 2, cy + 0.09, cx + half, cy);
    }
  }
  if (!any) return;
  const depth = ctx.createLinearGradient(0, top, 0, bottom);
  depth.addColorStop(0, palette.WATER_DEEP);
  depth.addColorStop(1, palette.WATER);
  ctx.fillStyle = depth;
  ctx.fillRect(left - 1, top - 1, right - left + 2, bottom - top + 2);
  ctx.lineCap = 'round';
  ctx.lineWidth = 0.055;
  ripples.forEach((path, i) => {
    ctx.strokeStyle = `rgba(226, 248, 255, ${0.08 + (i / GROUPS) * 0.5})`;
    ctx.stroke(path);
  });
}

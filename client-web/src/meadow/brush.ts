/** Short words for the shapes that the figures are made of. Units: metres. */
import { SHADOW } from './palette.ts';

export type Ctx = CanvasRenderingContext2D;

export function oval(ctx: Ctx, x: number, y: number, rx: number, ry: number, colour: string, tilt = 0): void {
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.ellipse(x, y, rx, ry, tilt, 0, Math.PI * 2);
  ctx.fill();
}

export function limb(ctx: Ctx, x1: number, y1: number, x2: number, y2: number, width: number, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.lineCap = 'round';
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

export function shadow(ctx: Ctx, rx: number, ry: number): void {
  oval(ctx, 0.05, 0.02, rx, ry, SHADOW);
}

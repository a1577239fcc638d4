/** A player: a small person with a hat or hair of their own, and clothes in their hue. */
import type { Actor, Gait } from './actors.ts';
import { type Ctx, limb, oval, shadow } from './brush.ts';
import { chance } from './chance.ts';
import { GOLD, hueColour } from './palette.ts';

const SKINS = ['#ffdcb8', '#f3c196', '#d79b6d', '#a86f47', '#7d4f33'];
const HAIRS = ['#4a3020', '#2b2220', '#8a5a2b', '#c98f3f', '#9b3f27', '#6b5a55'];

/** Draws around the feet at the origin. */
export function drawPlayer(ctx: Ctx, actor: Actor, gait: Gait, own: boolean, seconds: number): void {
  const { faceX, faceY, stride } = gait;
  const swing = Math.sin(gait.phase) * stride;
  const bob = -Math.abs(Math.cos(gait.phase)) * 0.05 * stride - Math.sin(seconds * 2.2 + actor.id) * 0.008;
  const cloth = hueColour(actor.hue, 64, 55);
  const clothDark = hueColour(actor.hue, 60, 43);
  const clothLight = hueColour(actor.hue, 72, 66);
  const skin = SKINS[Math.floor(chance(actor.hue, actor.id, 120) * SKINS.length)]!;
  const away = faceY < -0.45;
  if (own) drawRing(ctx, seconds);
  shadow(ctx, 0.34, 0.14);
  for (const side of [-1, 1]) {
    const step = swing * side;
    const lift = Math.max(0, Math.cos(gait.phase) * side) * 0.07 * stride;
    const footX = side * 0.11 * (1 - Math.abs(faceX) * 0.4) + step * faceX * 0.2;
    const footY = step * faceY * 0.1 - lift;
    limb(ctx, side * 0.1, -0.32 + bob, footX, footY - 0.05, 0.15, '#4d5a78');
    oval(ctx, footX + faceX * 0.04, footY - 0.02, 0.1, 0.06, '#3a2c25');
  }
  ctx.translate(0, bob);
  const arm = (side: number) => {
    const reach = -swing * side;
    const handX = side * 0.27 * (1 - Math.abs(faceX) * 0.45) + reach * faceX * 0.17;
    const handY = -0.36 + reach * faceY * 0.08;
    limb(ctx, side * 0.19, -0.62, handX, handY - 0.06, 0.12, clothDark);
    oval(ctx, handX, handY - 0.02, 0.065, 0.065, skin);
  };
  const behind = faceX > 0 ? -1 : 1;
  arm(behind);
  drawCoat(ctx, cloth, clothLight, clothDark, faceX);
  arm(-behind);
  drawHead(ctx, actor, skin, faceX, faceY, away, seconds, clothLight);
  ctx.translate(0, -bob);
}

function drawRing(ctx: Ctx, seconds: number): void {
  ctx.strokeStyle = GOLD;
  ctx.globalAlpha = 0.65 + Math.sin(seconds * 3) * 0.15;
  ctx.lineWidth = 0.05;
  ctx.beginPath();
  ctx.ellipse(0, 0, 0.46, 0.21, 0, 0, Math.PI * 2);
  ctx.stroke();
  ctx.globalAlpha = 1;
}

function drawCoat(ctx: Ctx, cloth: string, light: string, dark: string, faceX: number): void {
  ctx.fillStyle = cloth;
  ctx.beginPath();
  ctx.moveTo(-0.17, -0.72);
  ctx.quadraticCurveTo(0, -0.8, 0.17, -0.72);
  ctx.quadraticCurveTo(0.28, -0.5, 0.28, -0.24);
  ctx.quadraticCurveTo(0, -0.15, -0.28, -0.24);
  ctx.quadraticCurveTo(-0.28, -0.5, -0.17, -0.72);
  ctx.fill();
  oval(ctx, -0.09 + faceX * 0.08, -0.55, 0.07, 0.15, light, 0.15);
  limb(ctx, -0.24, -0.27, 0.24, -0.27, 0.05, dark);
}

function drawHead(ctx: Ctx, actor: Actor, skin: string, faceX: number, faceY: number, away: boolean, seconds: number, accent: string): void {
  const hair = HAIRS[Math.floor(chance(actor.id, actor.hue, 121) * HAIRS.length)]!;
  const style = Math.floor(chance(actor.hue, actor.id, 122) * 3);
  const x = faceX * 0.05;
  const y = -0.98;
  if (style === 1) oval(ctx, x - faceX * 0.2, y - 0.08 - (away ? -0.04 : 0.14), 0.13, 0.13, hair);
  oval(ctx, x, y - 0.02, 0.3, 0.29, hair);
  if (!away) {
    oval(ctx, x + faceX * 0.07, y + 0.05 + faceY * 0.015, 0.245, 0.225, skin);
    const shut = (seconds * 0.31 + chance(actor.id, 1, 123)) % 1 > 0.965;
    for (const side of [-1, 1]) {
      const eyeX = x + faceX * 0.15 + side * 0.1 * (1 - Math.abs(faceX) * 0.35);
      oval(ctx, eyeX, y + 0.06, 0.033, shut ? 0.008 : 0.046, '#2b2a33');
      oval(ctx, eyeX + side * 0.055, y + 0.135, 0.045, 0.028, 'rgba(240, 110, 100, 0.35)');
    }
    ctx.strokeStyle = 'rgba(90, 40, 30, 0.7)';
    ctx.lineWidth = 0.022;
    ctx.beginPath();
    ctx.arc(x + faceX * 0.15, y + 0.11, 0.05, 0.3, Math.PI - 0.3);
    ctx.stroke();
  }
  if (style === 0) {
    oval(ctx, x, y - 0.11, 0.4, 0.15, '#d9ab55');
    oval(ctx, x, y - 0.13, 0.38, 0.13, '#eec777');
    oval(ctx, x, y - 0.24, 0.235, 0.17, '#e5b962');
    oval(ctx, x - 0.05, y - 0.29, 0.13, 0.09, '#f4d68f');
    limb(ctx, x - 0.2, y - 0.165, x + 0.2, y - 0.165, 0.07, accent);
  } else if (!away) {
    ctx.fillStyle = hair;
    ctx.beginPath();
    ctx.arc(x, y - 0.04, 0.29, Math.PI * 1.02, Math.PI * 1.98);
    ctx.quadraticCurveTo(x + 0.1 - faceX * 0.1, y - 0.2, x + faceX * 0.16, y - 0.07);
    ctx.quadraticCurveTo(x - 0.14, y - 0.2, x - 0.28, y - 0.05);
    ctx.fill();
  }
}

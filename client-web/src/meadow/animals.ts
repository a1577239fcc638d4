/** Sheep, rabbits and ducks, around the point where they stand. */
import type { Actor, Gait } from './actors.ts';
import { type Ctx, limb, oval, shadow } from './brush.ts';
import { chance } from './chance.ts';
import { drawSprite, sprite } from './sprite.ts';

/** A sheep is longer from the side than from the front, in this many steps. */
const FLEECE_STEPS = 8;
/** Ways a sheep's head looks. */
const HEAD_STEPS = 24;
const SHADES = [['#d9d3cb', '#f3eee6', '#ffffff'], ['#6a5f63', '#7d7175', '#8f8388']] as const;

export function drawSheep(ctx: Ctx, actor: Actor, gait: Gait, seconds: number): void {
  const { faceX, faceY, stride } = gait;
  const swing = Math.sin(gait.phase) * stride * 0.1;
  const bob = -Math.abs(Math.sin(gait.phase)) * 0.035 * stride;
  const length = bodyLength(Math.abs(faceX));
  shadow(ctx, 0.5, 0.2);
  // One stroke for all legs: a herd has many.
  ctx.strokeStyle = '#4b4345';
  ctx.lineWidth = 0.1;
  ctx.lineCap = 'round';
  ctx.beginPath();
  for (const [side, front] of [[-1, 1], [1, -1], [1, 1], [-1, -1]] as const) {
    const x = front * length * 0.62 * faceX + side * 0.15 * Math.abs(faceY) + side * 0.05;
    const y = front * 0.08 * faceY;
    ctx.moveTo(x, -0.25);
    ctx.lineTo(x + swing * side * front * faceX, y + swing * side * front * faceY * 0.5 - 0.02);
  }
  ctx.stroke();
  ctx.translate(0, bob);
  // Left alone for a while it grazes, now and then.
  const grazes = gait.idleSeconds > 1.5 && Math.sin(seconds * 0.5 + actor.id * 2) > -0.2;
  const nibble = grazes ? 0.2 + Math.sin(seconds * 7) * 0.015 : 0;
  if (faceY < -0.25) drawSheepHead(ctx, faceX, faceY, length, nibble);
  drawSprite(ctx, fleece(Math.round(Math.abs(faceX) * FLEECE_STEPS), chance(actor.id, 5, 130) < 0.12));
  if (faceY >= -0.25) drawSheepHead(ctx, faceX, faceY, length, nibble);
  ctx.translate(0, -bob);
}

const fleeces = new Map<number, HTMLCanvasElement>();

/** Its wool: of thirty ovals, too many to be drawn for each sheep of a herd. */
function fleece(step: number, dark: boolean): HTMLCanvasElement {
  const key = step * 2 + Number(dark);
  let picture = fleeces.get(key);
  if (!picture) {
    picture = sprite(1.3, 1.15, (ctx) => paintFleece(ctx, bodyLength(step / FLEECE_STEPS), SHADES[Number(dark)]!));
    fleeces.set(key, picture);
  }
  return picture;
}

function paintFleece(ctx: Ctx, length: number, shades: readonly string[]): void {
  for (const [layer, grow, lift] of [[0, 1, 0], [1, 0.88, 0.04], [2, 0.5, 0.1]] as const) {
    for (let i = 0; i < 9; i++) {
      const angle = (i / 9) * Math.PI * 2 + 0.3;
      oval(ctx, Math.cos(angle) * length * grow * 0.95, -0.46 - lift + Math.sin(angle) * 0.2 * grow, 0.17 * (0.7 + grow * 0.3), 0.155 * (0.7 + grow * 0.3), shades[layer]!);
    }
    oval(ctx, 0, -0.46 - lift, length * grow, 0.24 * grow, shades[layer]!);
  }
}

function bodyLength(sideways: number): number {
  return 0.3 + sideways * 0.12;
}

const heads = new Map<number, HTMLCanvasElement>();

function drawSheepHead(ctx: Ctx, faceX: number, faceY: number, length: number, nibble: number): void {
  const step = Math.round((Math.atan2(faceY, faceX) / (2 * Math.PI)) * HEAD_STEPS);
  let picture = heads.get(step);
  if (!picture) {
    const angle = (step / HEAD_STEPS) * 2 * Math.PI;
    picture = sprite(0.6, 0.6, (pen) => paintSheepHead(pen, Math.cos(angle), Math.sin(angle)));
    heads.set(step, picture);
  }
  drawSprite(ctx, picture, faceX * (length + 0.14), -0.54 + faceY * 0.12 + nibble);
}

function paintSheepHead(ctx: Ctx, faceX: number, faceY: number): void {
  for (const side of [-1, 1]) oval(ctx, side * 0.17, -0.02, 0.1, 0.05, '#3f383a', side * 0.5);
  oval(ctx, 0, 0.03, 0.135, 0.17, '#4b4345');
  oval(ctx, 0, -0.11, 0.14, 0.09, '#f7f2ea');
  if (faceY < -0.5) return;
  for (const side of [-1, 1]) {
    const eyeX = side * 0.06 + faceX * 0.04;
    oval(ctx, eyeX, 0, 0.035, 0.04, '#fff');
    oval(ctx, eyeX + faceX * 0.01, 0.005, 0.018, 0.024, '#17161a');
  }
}

const FURS = [['#b98d63', '#d4ad83'], ['#9a9a9f', '#bcbcc2'], ['#e9e2d6', '#ffffff'], ['#7a5a41', '#967254']] as const;

export function drawRabbit(ctx: Ctx, actor: Actor, gait: Gait, seconds: number): void {
  const { faceX, faceY, stride } = gait;
  const hop = Math.abs(Math.sin(gait.phase));
  const air = hop * 0.26 * stride;
  const [dark, light] = FURS[Math.floor(chance(actor.id, 6, 131) * FURS.length)]!;
  shadow(ctx, 0.24 - air * 0.2, 0.1 - air * 0.08);
  ctx.translate(0, -air);
  const stretch = 1 + (hop - 0.5) * 0.2 * stride;
  const tail = () => oval(ctx, -faceX * 0.24, -0.16 - faceY * 0.05, 0.075, 0.075, '#fffaf2');
  if (faceY > 0.2) tail();
  oval(ctx, 0, -0.16, 0.2 * stretch * (0.8 + Math.abs(faceX) * 0.3), 0.165, dark);
  oval(ctx, -0.02, -0.2, 0.14 * stretch, 0.1, light);
  for (const side of [-1, 1]) oval(ctx, faceX * 0.12 * stretch + side * 0.08, -0.035, 0.07, 0.04, dark);
  if (faceY <= 0.2) tail();
  const x = faceX * 0.19;
  const y = -0.31 + faceY * 0.05;
  const twitch = Math.max(0, Math.sin(seconds * 1.3 + actor.id * 3) - 0.85) * 1.6;
  for (const side of [-1, 1]) {
    const lean = side * 0.22 - faceX * 0.3 * stride + (side > 0 ? twitch : 0);
    oval(ctx, x + side * 0.06 - faceX * 0.03, y - 0.2, 0.048, 0.15, dark, lean);
    oval(ctx, x + side * 0.06 - faceX * 0.03, y - 0.19, 0.024, 0.1, '#f0b8ae', lean);
  }
  oval(ctx, x, y, 0.14, 0.125, dark);
  oval(ctx, x + faceX * 0.03, y + 0.02, 0.1, 0.085, light);
  if (faceY > -0.5) {
    for (const side of [-1, 1]) oval(ctx, x + side * 0.065 + faceX * 0.05, y - 0.01, 0.024, 0.03, '#2a2226');
    oval(ctx, x + faceX * 0.07, y + 0.045, 0.022, 0.016, '#e58b8b');
  }
  ctx.translate(0, air);
}

/** On water it floats; on land it waddles. */
export function drawDuck(ctx: Ctx, actor: Actor, gait: Gait, seconds: number, afloat: boolean): void {
  const { faceX, faceY, stride } = gait;
  const drake = chance(actor.id, 7, 132) < 0.5;
  const [body, wing, head] = drake ? ['#c9c4bb', '#8f8a86', '#2f7d5b'] : ['#b58a5c', '#8f6a42', '#a67a4c'];
  if (afloat) {
    drawRipples(ctx, actor.id, gait, seconds);
    ctx.translate(0, Math.sin(seconds * 2 + actor.id) * 0.025 + 0.06);
  } else {
    shadow(ctx, 0.26, 0.11);
    for (const side of [-1, 1]) {
      const step = Math.sin(gait.phase) * side * stride * 0.08;
      limb(ctx, side * 0.07, -0.12, side * 0.07 + step * faceX, step * faceY * 0.5, 0.05, '#ef8f35');
    }
    ctx.rotate(Math.sin(gait.phase) * 0.07 * stride);
  }
  const wide = 0.2 + Math.abs(faceX) * 0.09;
  const drawDuckHead = () => {
    const x = faceX * 0.23;
    const y = -0.42 + faceY * 0.06;
    limb(ctx, faceX * 0.16, -0.22, x, y + 0.04, 0.12, drake ? '#f4f1ea' : head);
    oval(ctx, x, y, 0.115, 0.11, head);
    if (drake) oval(ctx, x - 0.03, y - 0.04, 0.05, 0.04, '#4ea37b');
    if (faceY < -0.6) return;
    oval(ctx, x + faceX * 0.13, y + 0.03 + faceY * 0.05, 0.06 + Math.abs(faceX) * 0.03, 0.035, '#f2a33a');
    for (const side of [-1, 1]) oval(ctx, x + faceX * 0.05 + side * 0.05 * (1 - Math.abs(faceX) * 0.7), y - 0.02, 0.02, 0.024, '#17161a');
  };
  if (faceY < -0.2) drawDuckHead();
  oval(ctx, -faceX * 0.25, -0.22 - faceY * 0.05, 0.11, 0.07, wing!, faceX * 0.5);
  oval(ctx, 0, -0.16, wide, 0.15, body!);
  oval(ctx, -faceX * 0.05, -0.2, wide * 0.66, 0.09, wing!, faceX * 0.15);
  if (faceY >= -0.2) drawDuckHead();
}

function drawRipples(ctx: Ctx, id: number, gait: Gait, seconds: number): void {
  ctx.lineWidth = 0.035;
  for (let i = 0; i < 2; i++) {
    const age = (seconds * (0.4 + gait.stride * 0.5) + i / 2 + id * 0.37) % 1;
    ctx.strokeStyle = `rgba(235, 250, 255, ${0.5 * (1 - age)})`;
    ctx.beginPath();
    ctx.ellipse(-gait.faceX * age * 0.3 * gait.stride, 0, 0.22 + age * 0.36, 0.09 + age * 0.16, 0, 0, Math.PI * 2);
    ctx.stroke();
  }
}

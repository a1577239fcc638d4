/** A wolf, around the point where it stands. */
import type { Actor, Gait } from './actors.ts';
import { type Ctx, limb, oval, shadow } from './brush.ts';
import { chance } from './chance.ts';

interface Coat {
  back: string;
  side: string;
  belly: string;
  leg: string;
}

const COATS: readonly Coat[] = [
  { back: '#5d6470', side: '#7b838f', belly: '#c3c6c8', leg: '#6a717d' },
  { back: '#4a4e59', side: '#666c78', belly: '#a9acb1', leg: '#555a66' },
  { back: '#7a6a5c', side: '#99897a', belly: '#d8cdbd', leg: '#857566' },
];
/** From this speed on it runs flat out. Units: metres per second. */
const GALLOP_M_S = 2.6;

export function drawWolf(ctx: Ctx, actor: Actor, gait: Gait, seconds: number): void {
  const { faceX, faceY, stride, phase } = gait;
  const coat = COATS[Math.floor(chance(actor.id, 8, 133) * COATS.length)]!;
  const runs = Math.min(1, Math.max(0, gait.speed / GALLOP_M_S - 0.4));
  const length = 0.24 + Math.abs(faceX) * 0.22;
  const bound = Math.sin(phase) * stride;
  shadow(ctx, 0.3 + Math.abs(faceX) * 0.22, 0.17);
  drawLegs(ctx, gait, coat, length, runs);
  // Trotting it bobs; running, its whole back rises and falls.
  ctx.translate(0, -Math.abs(bound) * (0.03 + runs * 0.06));
  const tail = () => drawTail(ctx, gait, coat, length, runs, Math.sin(seconds * 2.1 + actor.id) * (1 - stride));
  const breath = Math.sin(seconds * (2 + runs * 6) + actor.id) * 0.008;
  if (faceY > -0.2) tail();
  if (faceY < -0.25) drawHead(ctx, actor, gait, coat, length, runs, seconds);
  oval(ctx, -faceX * length * 0.62, -0.45, 0.19 + Math.abs(faceX) * 0.04, 0.19, coat.side);
  oval(ctx, 0, -0.44, length * 1.05, 0.185 + breath, coat.side, faceX * bound * runs * 0.12);
  oval(ctx, faceX * length * 0.3, -0.36, length * 0.72, 0.1, coat.belly);
  oval(ctx, faceX * length * 0.62, -0.48, 0.2, 0.215, coat.side);
  oval(ctx, -faceX * length * 0.1, -0.55, length * 0.95, 0.105, coat.back, faceX * bound * runs * 0.12);
  if (faceY <= -0.2) tail();
  if (faceY >= -0.25) drawHead(ctx, actor, gait, coat, length, runs, seconds);
  ctx.translate(0, Math.abs(bound) * (0.03 + runs * 0.06));
}

function drawLegs(ctx: Ctx, { faceX, faceY, phase, stride }: Gait, coat: Coat, length: number, runs: number): void {
  for (const [side, front] of [[-1, 1], [1, -1], [1, 1], [-1, -1]] as const) {
    // At a trot opposite legs go together, at a gallop the front ones and the hind ones do.
    const beat = Math.sin(phase + (side * front > 0 ? 0 : Math.PI) * (1 - runs) + (front > 0 ? 0 : 2.2) * runs);
    const lift = Math.max(0, Math.cos(phase + (side * front > 0 ? 0 : Math.PI) * (1 - runs))) * 0.06 * stride;
    const reach = beat * stride * (0.12 + runs * 0.12);
    const x = front * length * 0.66 * faceX + side * 0.12 * Math.abs(faceY) + side * 0.035;
    const y = front * 0.09 * faceY;
    const footX = x + reach * faceX;
    const footY = y + reach * faceY * 0.5 - 0.02 - lift;
    limb(ctx, x, -0.34 + y * 0.5, footX, footY, 0.085, coat.leg);
    oval(ctx, footX + faceX * 0.03, footY + 0.005, 0.06, 0.035, coat.belly);
  }
}

function drawTail(ctx: Ctx, { faceX, faceY }: Gait, coat: Coat, length: number, runs: number, wag: number): void {
  const rootX = -faceX * length * 0.95;
  const rootY = -0.46 - faceY * 0.08;
  const tipX = rootX - faceX * (0.3 + runs * 0.06) + wag * 0.06;
  const tipY = rootY + 0.2 - runs * 0.2 - Math.max(0, faceY) * 0.1 + Math.max(0, -faceY) * 0.08;
  const [midX, midY] = [(rootX + tipX) / 2 - faceX * 0.03, (rootY + tipY) / 2];
  limb(ctx, rootX, rootY, midX, midY, 0.13, coat.back);
  limb(ctx, midX, midY, tipX, tipY, 0.15, coat.side);
  oval(ctx, tipX, tipY, 0.06, 0.06, coat.belly);
}

function drawHead(ctx: Ctx, actor: Actor, gait: Gait, coat: Coat, length: number, runs: number, seconds: number): void {
  const { faceX, faceY } = gait;
  // It runs with its head low, and looks about with its head high.
  const x = faceX * (length + 0.15 + runs * 0.05);
  const y = -0.66 + runs * 0.12 + faceY * 0.07;
  const away = faceY < -0.5;
  limb(ctx, faceX * length * 0.7, -0.5, x, y + 0.04, 0.24, coat.side);
  for (const side of [-1, 1]) drawEar(ctx, x + side * 0.095 - faceX * 0.05, y - 0.1, side * 0.04 - faceX * runs * 0.12, coat, away);
  oval(ctx, x, y, 0.165, 0.145, coat.side);
  oval(ctx, x - faceX * 0.02, y - 0.07, 0.13, 0.075, coat.back);
  if (away) return;
  for (const side of [-1, 1]) oval(ctx, x + side * 0.1 + faceX * 0.02, y + 0.055, 0.075, 0.06, coat.belly, side * -0.4);
  const noseX = x + faceX * 0.2;
  const noseY = y + 0.07 + Math.max(0, faceY) * 0.045;
  limb(ctx, x + faceX * 0.06, y + 0.06, noseX - faceX * 0.03, noseY, 0.125, coat.belly);
  limb(ctx, x + faceX * 0.05, y + 0.015, noseX - faceX * 0.04, noseY - 0.035, 0.06, coat.side);
  oval(ctx, noseX + faceX * 0.02, noseY - 0.02, 0.038, 0.03, '#23222a');
  const shut = (seconds * 0.27 + chance(actor.id, 2, 134)) % 1 > 0.965;
  for (const side of [-1, 1]) {
    // From the side only the near eye is seen.
    const eyeX = x + faceX * 0.065 + side * 0.075 * (1 - Math.abs(faceX) * 0.55);
    oval(ctx, eyeX, y - 0.015, 0.034, shut ? 0.007 : 0.03, '#f2b632', side * 0.35);
    oval(ctx, eyeX + faceX * 0.008, y - 0.013, 0.014, shut ? 0.005 : 0.024, '#23222a');
  }
}

function drawEar(ctx: Ctx, x: number, y: number, lean: number, coat: Coat, away: boolean): void {
  for (const [half, height, colour] of [[0.075, 0.17, coat.back], [0.04, 0.115, away ? coat.back : '#d9a89c']] as const) {
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.moveTo(x - half, y + 0.04);
    ctx.quadraticCurveTo(x - half * 0.6 + lean * 0.5, y - height * 0.5, x + lean, y - height);
    ctx.quadraticCurveTo(x + half * 0.6 + lean * 0.5, y - height * 0.5, x + half, y + 0.04);
    ctx.fill();
  }
}

/**
 * Trees, tufts and flowers.
 *
 * Trees and tufts are painted once into sprites and swayed as a whole; a flower is drawn anew,
 * because its colour is its own.
 */
import { chance } from './chance.ts';
import * as palette from './palette.ts';
import { drawSprite, sprite } from './sprite.ts';

const TREE_W = 3;
const TREE_H = 3.6;
const TUFT_W = 1;
const TUFT_H = 0.8;

interface Leaves {
  dark: string;
  middle: string;
  light: string;
  glint: string;
}

const LEAVES: Leaves[] = [
  { dark: '#2f6f3a', middle: '#43914a', light: '#63b153', glint: '#8fd06a' },
  { dark: '#33753a', middle: '#4f9c45', light: '#76bb4f', glint: '#a5d86b' },
  { dark: '#28653f', middle: '#3a8550', light: '#559f5c', glint: '#80c077' },
  { dark: '#b9607f', middle: '#e08aa6', light: '#f2afc3', glint: '#ffd9e3' },
  { dark: '#b4652a', middle: '#dd8d38', light: '#efb04e', glint: '#fbd27e' },
];

function disc(ctx: CanvasRenderingContext2D, x: number, y: number, r: number, colour: string): void {
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.arc(x, y, r, 0, Math.PI * 2);
  ctx.fill();
}

function paintTrunk(ctx: CanvasRenderingContext2D, top: number): void {
  ctx.fillStyle = '#6d4a2f';
  ctx.beginPath();
  ctx.moveTo(-0.26, 0.06);
  ctx.quadraticCurveTo(-0.12, -0.1, -0.13, top);
  ctx.lineTo(0.13, top);
  ctx.quadraticCurveTo(0.12, -0.1, 0.26, 0.06);
  ctx.quadraticCurveTo(0, 0.14, -0.26, 0.06);
  ctx.fill();
  ctx.fillStyle = 'rgba(255, 220, 170, 0.22)';
  ctx.fillRect(-0.1, top, 0.07, -top - 0.1);
}

function paintRound(ctx: CanvasRenderingContext2D, leaves: Leaves, seed: number): void {
  paintTrunk(ctx, -1);
  const blobs = Array.from({ length: 9 }, (_, i) => {
    const angle = (i / 9) * Math.PI * 2 + chance(seed, i, 1);
    const reach = 0.5 + chance(seed, i, 2) * 0.22;
    return { x: Math.cos(angle) * reach, y: -1.75 + Math.sin(angle) * reach * 0.85, r: 0.46 + chance(seed, i, 3) * 0.14 };
  });
  for (const { x, y, r } of blobs) disc(ctx, x, y + 0.1, r, leaves.dark);
  disc(ctx, 0, -1.7, 0.8, leaves.dark);
  for (const { x, y, r } of blobs) disc(ctx, x * 0.92 - 0.05, y - 0.06, r * 0.86, leaves.middle);
  disc(ctx, -0.05, -1.8, 0.7, leaves.middle);
  for (const { x, y, r } of blobs) if (y < -1.55) disc(ctx, x * 0.8 - 0.12, y - 0.08, r * 0.62, leaves.light);
  for (let i = 0; i < 16; i++) {
    const angle = chance(seed, i, 5) * Math.PI * 2;
    const reach = Math.sqrt(chance(seed, i, 6)) * 0.72;
    disc(ctx, Math.cos(angle) * reach - 0.14, -1.95 + Math.sin(angle) * reach * 0.7, 0.05 + chance(seed, i, 7) * 0.05, leaves.glint);
  }
}

function paintFir(ctx: CanvasRenderingContext2D, leaves: Leaves): void {
  paintTrunk(ctx, -0.6);
  for (let i = 0; i < 4; i++) {
    const base = -0.45 - i * 0.58;
    const half = 0.95 - i * 0.2;
    const tip = base - 1.05;
    for (const [shift, width, colour] of [[0, 1, leaves.dark], [-0.06, 0.82, leaves.middle], [-0.16, 0.45, leaves.light]] as const) {
      ctx.fillStyle = colour;
      ctx.beginPath();
      ctx.moveTo(shift * 0.4, tip);
      ctx.quadraticCurveTo(shift + half * width * 0.45, base - 0.4, shift + half * width, base);
      ctx.quadraticCurveTo(shift, base + 0.24, shift - half * width, base);
      ctx.quadraticCurveTo(shift - half * width * 0.45, base - 0.4, shift * 0.4, tip);
      ctx.fill();
    }
  }
}

function paintTuft(ctx: CanvasRenderingContext2D, seed: number): void {
  for (let i = 0; i < 11; i++) {
    const x = (i / 10 - 0.5) * 0.72;
    const height = 0.3 + chance(seed, i, 8) * 0.24;
    const lean = (chance(seed, i, 9) - 0.5) * 0.28 + x * 0.3;
    ctx.fillStyle = ['#4c9236', '#66ab3b', '#84c44c', '#5a9f38'][i % 4]!;
    ctx.beginPath();
    // The blades stand on a round patch, so that a tuft has no flat foot.
    const foot = 0.1 - 0.8 * x * x + chance(seed, i, 4) * 0.05;
    ctx.moveTo(x - 0.05, foot);
    ctx.quadraticCurveTo(x - 0.02 + lean * 0.3, -height * 0.6, x + lean, -height);
    ctx.quadraticCurveTo(x + 0.06 + lean * 0.3, -height * 0.5, x + 0.05, foot);
    ctx.fill();
  }
}

let trees: HTMLCanvasElement[] | undefined;
let tufts: HTMLCanvasElement[] | undefined;

function treeSprites(): HTMLCanvasElement[] {
  trees ??= [
    ...[0, 1, 2, 0, 1, 3, 4].map((kind, seed) => sprite(TREE_W, TREE_H, (ctx) => paintRound(ctx, LEAVES[kind]!, seed * 7 + 1))),
    sprite(TREE_W, TREE_H, (ctx) => paintFir(ctx, LEAVES[2]!)),
    sprite(TREE_W, TREE_H, (ctx) => paintFir(ctx, LEAVES[0]!)),
  ];
  return trees;
}

/** Blossom and autumn are rare among the green ones. */
function treeKind(x: number, y: number): number {
  const pick = chance(x, y, 110);
  if (pick > 0.97) return 6;
  if (pick > 0.93) return 5;
  // Firs keep company: the same broad patch of ground has the same kind.
  if (chance(x >> 3, y >> 3, 111) < 0.3) return 7 + (pick < 0.45 ? 0 : 1);
  return Math.floor(pick / 0.931 * 5);
}

/** Where the trunk of a tile's tree stands. */
export function treeFoot(x: number, y: number): { x: number; y: number } {
  return { x: x + 0.5 + (chance(x, y, 112) - 0.5) * 0.3, y: y + 0.78 + (chance(x, y, 113) - 0.5) * 0.2 };
}

/** Leaves the transform changed, as `drawTuft` does. */
export function drawTree(ctx: CanvasRenderingContext2D, x: number, y: number, seconds: number, alpha: number): void {
  const foot = treeFoot(x, y);
  const size = 0.88 + chance(x, y, 114) * 0.34;
  const mirror = chance(x, y, 115) < 0.5 ? -1 : 1;
  const sway = Math.sin(seconds * 0.9 + x * 0.7 + y * 0.4) * 0.012;
  ctx.globalAlpha = alpha;
  ctx.transform(size * mirror, 0, -sway, size, foot.x, foot.y);
  drawSprite(ctx, treeSprites()[treeKind(x, y)]!);
  ctx.globalAlpha = 1;
}

export function drawTuft(ctx: CanvasRenderingContext2D, x: number, y: number, seed: number, seconds: number, bend: number): void {
  tufts ??= [1, 2, 3].map((s) => sprite(TUFT_W, TUFT_H, (c) => paintTuft(c, s)));
  const sway = Math.sin(seconds * 1.6 + x * 1.3 + y) * 0.09 + bend;
  ctx.transform(1, 0, -sway, 1, x, y);
  drawSprite(ctx, tufts[Math.floor(seed * tufts.length)]!);
}

/** `grown` runs from 0 to 1 while it comes up. */
export function drawFlower(ctx: CanvasRenderingContext2D, hue: number, id: number, seconds: number, grown: number): void {
  const sway = Math.sin(seconds * 1.8 + id) * 0.07;
  // Overshoots a little and settles, as if it popped up.
  const size = grown >= 1 ? 1 : 1 - (1 - grown) ** 2 * Math.cos(grown * 9);
  ctx.save();
  ctx.scale(size, size);
  ctx.fillStyle = palette.SHADOW;
  ctx.beginPath();
  ctx.ellipse(0.04, 0.02, 0.2, 0.08, 0, 0, Math.PI * 2);
  ctx.fill();
  ctx.strokeStyle = '#3f8a34';
  ctx.lineWidth = 0.06;
  ctx.lineCap = 'round';
  ctx.beginPath();
  ctx.moveTo(0, 0);
  ctx.quadraticCurveTo(0, -0.25, sway, -0.42);
  ctx.stroke();
  ctx.fillStyle = '#4fa03d';
  for (const side of [-1, 1]) {
    ctx.beginPath();
    ctx.ellipse(side * 0.1, -0.12, 0.12, 0.05, side * -0.6, 0, Math.PI * 2);
    ctx.fill();
  }
  ctx.translate(sway, -0.45);
  ctx.rotate(sway * 2);
  for (const [reach, r, colour] of [[0.155, 0.125, palette.hueColour(hue, 70, 50)], [0.14, 0.11, palette.hueColour(hue, 85, 66)]] as const) {
    for (let i = 0; i < 6; i++) {
      const angle = (i / 6) * Math.PI * 2 + id;
      disc(ctx, Math.cos(angle) * reach, Math.sin(angle) * reach * 0.86, r, colour);
    }
  }
  disc(ctx, 0, 0, 0.1, '#f6b73c');
  disc(ctx, -0.025, -0.03, 0.055, '#ffdf7e');
  ctx.restore();
}


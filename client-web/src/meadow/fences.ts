/**
 * Fences and gates, as they stand.
 *
 * In: the map, the gates and the time. Out: each post with its rails, and each gate as far as it has
 * swung. Units: metres.
 */
import { type Ctx, limb } from './brush.ts';
import { chance } from './chance.ts';
import type { Gate } from '../games/meadow.ts';
import { Tile, type TileMap } from './map.ts';

const POST = '#8a6240';
const POST_LIGHT = '#a77c52';
const RAIL = '#b0855a';
const RAIL_DARK = '#7a5636';
const GATE_RAIL = '#d8b27c';
const GATE_DARK = '#8e6a3f';
const HEIGHT_M = 0.62;
const RAILS_M = [0.2, 0.43];
/** How far an open leaf is turned aside. Units: radians. */
const OPEN_ANGLE = 1.45;
const SWING_SECONDS = 0.45;

/** A gate as it is drawn: 0 is closed, 1 is open. */
export interface Swinging extends Gate {
  swing: number;
}

/** Which gates there are and how far they have swung. */
export class Gates {
  all: readonly Swinging[] = [];

  /** Takes the gates as the server has them; one that is new stands as it is. */
  handlePicture(gates: readonly Gate[], elapsed: number, calm: boolean): void {
    const step = calm ? 1 : elapsed / SWING_SECONDS;
    this.all = gates.map((gate, i) => {
      const aim = Number(gate.open);
      const before = this.all[i];
      const known = before?.x === gate.x && before.y === gate.y;
      const swing = known ? before.swing + Math.min(step, Math.max(-step, aim - before.swing)) : aim;
      return { ...gate, swing };
    });
  }
}

/** A fence's post with its rails, around the middle of its square. */
export function drawFence(ctx: Ctx, map: TileMap, x: number, y: number): void {
  const isFence = (dx: number, dy: number) => map.at(x + dx, y + dy) === Tile.Fence;
  for (const [dx, dy] of [[1, 0], [0, 1], [-1, 0], [0, -1]] as const) {
    // The other one draws the rails between two posts; towards a gate they end at its post.
    if (isFence(dx, dy)) {
      if (dx + dy > 0) drawRails(ctx, dx, dy);
    } else if (map.isGate(x + dx, y + dy)) drawRails(ctx, dx / 2, dy / 2);
  }
  // Around a corner, where no third post stands between the two.
  for (const dx of [-1, 1]) if (isFence(dx, 1) && !isFence(dx, 0) && !isFence(0, 1)) drawRails(ctx, dx, 1);
  drawPost(ctx, 0, 0, HEIGHT_M + chance(x, y, 160) * 0.06);
}

function drawRails(ctx: Ctx, dx: number, dy: number): void {
  ctx.lineCap = 'butt';
  for (const [i, height] of RAILS_M.entries()) {
    // Seen from its end one rail would hide the other.
    const aside = dx === 0 ? (i - 0.5) * 0.07 : 0;
    for (const [width, lift, colour] of [[0.1, 0, RAIL_DARK], [0.06, 0.018, RAIL]] as const) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = width;
      ctx.beginPath();
      ctx.moveTo(aside, -height - lift);
      ctx.lineTo(aside + dx, dy - height - lift);
      ctx.stroke();
    }
  }
}

function drawPost(ctx: Ctx, x: number, y: number, height: number): void {
  ctx.fillStyle = 'rgba(24, 52, 38, 0.22)';
  ctx.beginPath();
  ctx.ellipse(x + 0.08, y + 0.02, 0.16, 0.07, 0, 0, Math.PI * 2);
  ctx.fill();
  limb(ctx, x, y - 0.02, x, y - height + 0.08, 0.17, POST);
  limb(ctx, x - 0.025, y - 0.02, x - 0.025, y - height + 0.1, 0.07, POST_LIGHT);
}

/** One of a gate's two leaves: where it hangs and where it ends. */
export interface Leaf {
  hinge: { x: number; y: number };
  end: { x: number; y: number };
}

/** Whether the way through it leads up and down. */
function isLevel({ width, height, x, y }: Gate, map: TileMap): boolean {
  if (width !== height) return width > height;
  return map.at(x - 1, y) === Tile.Fence || map.at(x + width, y) === Tile.Fence;
}

/** The two leaves of a gate in a map's metres. */
export function leavesOf(gate: Swinging, map: TileMap): [Leaf, Leaf] {
  const level = isLevel(gate, map);
  const half = (level ? gate.width : gate.height) / 2;
  const [cx, cy] = [gate.x + gate.width / 2, gate.y + gate.height / 2];
  // It swings softly, upwards or to the right, where it hides least.
  const angle = OPEN_ANGLE * (1 - Math.cos(gate.swing * Math.PI)) / 2;
  const [along, aside] = [Math.cos(angle) * half, Math.sin(angle) * half];
  const leaf = (side: number): Leaf => {
    const hinge = level ? { x: cx + side * half, y: cy } : { x: cx, y: cy + side * half };
    const end = level ? { x: hinge.x - side * along, y: cy - aside } : { x: cx + aside, y: hinge.y - side * along };
    return { hinge, end };
  };
  return [leaf(-1), leaf(1)];
}

/** Draws a leaf in a map's metres, with the post that it hangs on. */
export function drawLeaf(ctx: Ctx, { hinge, end }: Leaf): void {
  const [dx, dy] = [end.x - hinge.x, end.y - hinge.y];
  const at = (share: number, height: number): [number, number] => [hinge.x + dx * share, hinge.y + dy * share - height];
  const bar = (a: [number, number], b: [number, number]) => {
    limb(ctx, ...a, ...b, 0.1, GATE_DARK);
    limb(ctx, a[0], a[1] - 0.015, b[0], b[1] - 0.015, 0.06, GATE_RAIL);
  };
  const behind = dy < -0.1;
  if (!behind) drawPost(ctx, hinge.x, hinge.y, HEIGHT_M + 0.14);
  bar(at(0.06, 0.16), at(0.97, 0.5));
  for (const height of [0.16, 0.5]) bar(at(0.06, height), at(0.97, height));
  for (const share of [0.06, 0.97]) bar(at(share, 0.1), at(share, 0.56));
  if (behind) drawPost(ctx, hinge.x, hinge.y, HEIGHT_M + 0.14);
}

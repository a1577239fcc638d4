/**
 * What the server's path finding is doing, drawn over the meadow: where nobody walks, who is on which
 * way, one's own way, and the questions that are still open.
 *
 * In: the private state and the own walker. Out: lines. Units: metres.
 */
import type { Actor } from './actors.ts';
import type { Ctx } from './brush.ts';
import type { Ask, Gate, Point, Private } from '../games/meadow.ts';
import type { TileMap } from './map.ts';
import type { Walker } from './walk.ts';

interface Spot {
  x: number;
  y: number;
}
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}
/** A route as it is drawn: from where its agent stands. */
export interface Drawn {
  entity: number;
  corners: readonly Spot[];
}

/** Jobs take a tenth of a second: their lines stay a little longer, so that an eye can see them. */
const ASK_SECONDS = 0.7;
const ASKS_MAX = 64;
const HATCH_PX = 64;
const INK = 'rgba(18, 36, 58, 0.75)';
const OWN = '#ffe14a';
const JOB = '#ff6fdd';

export class Overlay {
  /** Off until somebody wants it; remembered nowhere. */
  on = false;
  /** What the last picture showed. */
  routes: Drawn[] = [];
  blocked = 0;
  own: readonly Spot[] = [];
  private told: Private | null = null;
  private walker: Walker | null = null;
  private readonly asks = new Map<string, Ask & { seenAt: number }>();
  private hatch: CanvasPattern | null = null;

  get asksShown(): number {
    return this.asks.size;
  }

  /** Takes what is known now; nothing of it is shown while the overlay is off. */
  handlePicture(told: Private | null, walker: Walker | null, now: number): void {
    this.told = this.on ? told : null;
    this.walker = this.on ? walker : null;
    this.routes = [];
    this.own = [];
    this.blocked = 0;
    for (const [key, { seenAt }] of this.asks) if (!this.on || now - seenAt > ASK_SECONDS) this.asks.delete(key);
    for (const ask of this.told?.jobs.waiting ?? []) {
      const key = [ask.from.x, ask.from.y, ask.to.x, ask.to.y].join();
      if (this.asks.has(key) || this.asks.size < ASKS_MAX) this.asks.set(key, { ...ask, seenAt: now });
    }
  }

  /** The grid: lines between squares, hatching where nobody walks, gates in red or green. */
  drawGround(ctx: Ctx, map: TileMap, gates: readonly Gate[], box: Box): void {
    if (!this.on) return;
    const [left, top] = [Math.max(0, Math.floor(box.left)), Math.max(0, Math.floor(box.top))];
    const [right, bottom] = [Math.min(map.width, Math.ceil(box.right)), Math.min(map.height, Math.ceil(box.bottom))];
    ctx.beginPath();
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const from = x;
        while (x < right && map.isBlocked(x, y)) x += 1;
        if (x > from) ctx.rect(from, y, x - from, 1);
        this.blocked += x - from;
      }
    }
    ctx.fillStyle = this.hatch ??= hatched(ctx);
    ctx.fill();
    ctx.beginPath();
    for (let x = left; x <= right; x++) line(ctx, { x, y: top }, { x, y: bottom });
    for (let y = top; y <= bottom; y++) line(ctx, { x: left, y }, { x: right, y });
    ctx.strokeStyle = 'rgba(255, 255, 255, 0.24)';
    ctx.lineWidth = 0.025;
    ctx.stroke();
    for (const { x, y, width, height, open } of gates) {
      ctx.fillStyle = open ? 'rgba(90, 235, 140, 0.3)' : 'rgba(240, 50, 40, 0.5)';
      ctx.strokeStyle = open ? '#2c9a58' : '#b3160e';
      ctx.lineWidth = 0.06;
      ctx.fillRect(x, y, width, height);
      ctx.strokeRect(x + 0.03, y + 0.03, width - 0.06, height - 0.06);
    }
  }

  /** Ways and questions, above everything that stands. */
  drawAir(ctx: Ctx, actors: readonly Actor[], hero: Spot | null, { now, calm }: { now: number; calm: boolean }): void {
    if (!this.told) return;
    ctx.lineJoin = ctx.lineCap = 'round';
    const places = new Map(actors.map((actor) => [actor.id, actor]));
    for (const { entity, corners } of this.told.routes) {
      const at = places.get(entity);
      const ahead = aheadOf(at, corners.map(middle));
      if (ahead.length < 2) continue;
      this.routes.push({ entity, corners: ahead });
      drawWay(ctx, ahead, `hsl(${(entity * 137.5) % 360} 90% 62%)`, 0.06);
    }
    this.drawAsks(ctx, now, calm);
    if (!hero || !this.walker) return;
    const { goal, path } = this.walker;
    const way = goal ? [goal] : path.map(middle);
    if (way.length === 0) return;
    this.own = [hero, ...way];
    drawWay(ctx, this.own, OWN, 0.11);
  }

  private drawAsks(ctx: Ctx, now: number, calm: boolean): void {
    for (const { from, to, seenAt } of this.asks.values()) {
      const [a, b] = [middle(from), middle(to)];
      const fresh = 1 - (now - seenAt) / ASK_SECONDS;
      // It fades at the end only: most of what is drawn so is over already.
      ctx.globalAlpha = Math.min(1, Math.max(0, fresh * 2)) * (calm ? 0.9 : 0.75 + 0.25 * Math.sin(now * 9));
      ctx.setLineDash([0.32, 0.34]);
      ctx.lineDashOffset = calm ? 0 : -now * 2.2;
      for (const [width, colour] of [[0.15, INK], [0.09, JOB]] as const) {
        ctx.lineWidth = width;
        ctx.strokeStyle = colour;
        ctx.beginPath();
        line(ctx, a, b);
        ctx.stroke();
      }
      ctx.setLineDash([]);
      ring(ctx, b, calm ? 0.25 : 0.2 + 0.12 * ((now * 1.6) % 1), JOB);
    }
    ctx.globalAlpha = 1;
  }
}

function middle({ x, y }: Point): Spot {
  return { x: x + 0.5, y: y + 0.5 };
}

/**
 * The way from where the agent is drawn. Routes are told a few times a second: a corner that was
 * passed since is left out.
 */
function aheadOf(at: Spot | undefined, corners: readonly Spot[]): readonly Spot[] {
  if (!at) return corners;
  let passed = 0;
  for (; passed + 1 < corners.length; passed++) {
    const [corner, next] = [corners[passed]!, corners[passed + 1]!];
    if ((at.x - corner.x) * (next.x - corner.x) + (at.y - corner.y) * (next.y - corner.y) <= 0) break;
  }
  return [{ x: at.x, y: at.y }, ...corners.slice(passed)];
}

function line(ctx: Ctx, from: Spot, to: Spot): void {
  ctx.moveTo(from.x, from.y);
  ctx.lineTo(to.x, to.y);
}

function ring(ctx: Ctx, { x, y }: Spot, r: number, colour: string): void {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, Math.PI * 2);
  ctx.lineWidth = 0.12;
  ctx.strokeStyle = INK;
  ctx.stroke();
  ctx.lineWidth = 0.06;
  ctx.strokeStyle = colour;
  ctx.stroke();
}

/** A line with a dot at each corner and a ring where it ends; dark edges keep it apart from grass. */
function drawWay(ctx: Ctx, way: readonly Spot[], colour: string, width: number): void {
  const path = new Path2D();
  way.forEach(({ x, y }, i) => (i === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
  ctx.strokeStyle = INK;
  ctx.lineWidth = width + 0.06;
  ctx.stroke(path);
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.stroke(path);
  for (const [r, fill] of [[width + 0.05, INK], [width + 0.02, colour]] as const) {
    ctx.fillStyle = fill;
    ctx.beginPath();
    for (const { x, y } of way.slice(1)) {
      ctx.moveTo(x + r, y);
      ctx.arc(x, y, r, 0, Math.PI * 2);
    }
    ctx.fill();
  }
  ring(ctx, way.at(-1)!, width + 0.13, colour);
}

/** Slanting lines, four to a square metre, that run on from square to square. */
function hatched(ctx: Ctx): CanvasPattern {
  const tile = document.createElement('canvas');
  tile.width = tile.height = HATCH_PX;
  const pen = tile.getContext('2d')!;
  pen.fillStyle = 'rgba(28, 34, 92, 0.16)';
  pen.fillRect(0, 0, HATCH_PX, HATCH_PX);
  pen.strokeStyle = 'rgba(28, 34, 92, 0.42)';
  pen.lineWidth = HATCH_PX / 22;
  for (let i = -4; i <= 8; i++) {
    pen.moveTo((i * HATCH_PX) / 4, HATCH_PX);
    pen.lineTo((i * HATCH_PX) / 4 + HATCH_PX, 0);
  }
  pen.stroke();
  const pattern = ctx.createPattern(tile, 'repeat')!;
  pattern.setTransform(new DOMMatrix().scale(1 / HATCH_PX));
  return pattern;
}

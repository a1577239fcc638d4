/** One picture of the arena from above. In: who is where, and what has just happened. Out: pixels. */
import type { Entity as Fighter, Shared } from '../games/arena.ts';
import { BODY_M } from './run.ts';

export interface Actor {
  id: number;
  fighter: Fighter;
  x: number;
  y: number;
  /** 1/256 of the circle. */
  turn: number;
}

/** What is shown for a moment: a shot's way, a hit, a fall. */
export interface Flash {
  kind: 'shot' | 'hit' | 'fall';
  from: { x: number; y: number };
  to: { x: number; y: number };
  team: number;
  at: number;
}

const FLASH_MS: Record<Flash['kind'], number> = { shot: 140, hit: 260, fall: 700 };
const TEAMS = ['#3f7fd6', '#e0703a'] as const;
const TEAMS_DARK = ['#27539a', '#a04820'] as const;
const GUN_M = 0.75;
const NAME_PX = 13;
/** Around the field: room for the name of who stands at its upper border. */
const MARGIN_M = 1.5;
/** Behind the form, before the server has told of walls. */
export const BARE: Pick<Shared, 'side' | 'walls'> = { side: 40, walls: [] };

export function teamColour(team: number): string {
  return TEAMS[team & 1]!;
}

export class Picture {
  private readonly ctx: CanvasRenderingContext2D;
  private readonly canvas: HTMLCanvasElement;
  private flashes: Flash[] = [];
  /** CSS pixels per metre, and where the field's corner is. */
  private scale = 10;
  private left = 0;
  private top = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    this.ctx = canvas.getContext('2d', { alpha: false })!;
  }

  flash(flash: Flash): void {
    this.flashes.push(flash);
  }

  /** Fits the field into the window. */
  resize(width: number, height: number, ratio: number, side: number): void {
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.scale = Math.min(width, height) / (side + 2 * MARGIN_M);
    this.left = (width - side * this.scale) / 2;
    this.top = (height - side * this.scale) / 2;
  }

  toWorld(px: number, py: number): { x: number; y: number } {
    return { x: (px - this.left) / this.scale, y: (py - this.top) / this.scale };
  }

  draw(shared: Shared | null, actors: readonly Actor[], own: number | null, now: number, ratio: number): void {
    const { ctx, scale } = this;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.fillStyle = '#20303a';
    ctx.fillRect(0, 0, this.canvas.width, this.canvas.height);
    ctx.setTransform(scale * ratio, 0, 0, scale * ratio, this.left * ratio, this.top * ratio);
    this.drawField(shared ?? BARE);
    this.flashes = this.flashes.filter(({ kind, at }) => now - at < FLASH_MS[kind]);
    for (const flash of this.flashes) this.drawFlash(flash, 1 - (now - flash.at) / FLASH_MS[flash.kind]);
    for (const actor of actors) this.drawFighter(actor, actor.id === own);
    // Names are drawn in pixels: text of less than a pixel's height is no text.
    ctx.setTransform(ratio, 0, 0, ratio, this.left * ratio, this.top * ratio);
    for (const actor of actors) this.drawName(actor, actor.id === own);
  }

  private drawField({ side, walls }: typeof BARE): void {
    const { ctx } = this;
    ctx.fillStyle = '#d9d3c0';
    ctx.fillRect(0, 0, side, side);
    ctx.fillStyle = 'rgba(63, 127, 214, 0.12)';
    ctx.fillRect(0, 0, 5, side);
    ctx.fillStyle = 'rgba(224, 112, 58, 0.12)';
    ctx.fillRect(side - 5, 0, 5, side);
    ctx.strokeStyle = 'rgba(80, 70, 50, 0.09)';
    ctx.lineWidth = 0.04;
    ctx.beginPath();
    for (let i = 1; i < side; i++) {
      ctx.moveTo(i, 0);
      ctx.lineTo(i, side);
      ctx.moveTo(0, i);
      ctx.lineTo(side, i);
    }
    ctx.stroke();
    for (const { left, top, right, bottom } of walls) {
      ctx.fillStyle = 'rgba(40, 34, 24, 0.25)';
      ctx.fillRect(left + 0.15, top + 0.3, right - left, bottom - top);
      ctx.fillStyle = '#6d675c';
      ctx.fillRect(left, top, right - left, bottom - top);
      ctx.fillStyle = '#857e70';
      ctx.fillRect(left + 0.12, top + 0.12, right - left - 0.24, bottom - top - 0.24);
    }
  }

  private drawFlash({ kind, from, to, team }: Flash, left: number): void {
    const { ctx } = this;
    ctx.globalAlpha = left;
    ctx.strokeStyle = ctx.fillStyle = kind === 'hit' ? '#fff4d0' : teamColour(team);
    ctx.lineWidth = 0.12;
    ctx.beginPath();
    if (kind === 'shot') {
      ctx.moveTo(from.x, from.y);
      ctx.lineTo(to.x, to.y);
      ctx.stroke();
    } else {
      ctx.arc(to.x, to.y, BODY_M + (1 - left) * (kind === 'fall' ? 1.6 : 0.4), 0, Math.PI * 2);
      if (kind === 'fall') ctx.fill();
      else ctx.stroke();
    }
    ctx.globalAlpha = 1;
  }

  private drawFighter({ fighter, x, y, turn }: Actor, own: boolean): void {
    const { ctx } = this;
    const angle = (turn / 256) * Math.PI * 2;
    ctx.save();
    ctx.translate(x, y);
    ctx.fillStyle = 'rgba(30, 26, 18, 0.25)';
    ctx.beginPath();
    ctx.arc(0.08, 0.16, BODY_M, 0, Math.PI * 2);
    ctx.fill();
    ctx.rotate(angle);
    ctx.fillStyle = '#33302a';
    ctx.fillRect(0.1, -0.1, GUN_M, 0.2);
    ctx.fillStyle = teamColour(fighter.team);
    ctx.strokeStyle = own ? '#ffffff' : TEAMS_DARK[fighter.team & 1]!;
    ctx.lineWidth = own ? 0.12 : 0.08;
    ctx.beginPath();
    ctx.arc(0, 0, BODY_M - 0.05, 0, Math.PI * 2);
    ctx.fill();
    ctx.stroke();
    ctx.restore();
    ctx.fillStyle = 'rgba(30, 26, 18, 0.4)';
    ctx.fillRect(x - 0.6, y - 0.95, 1.2, 0.16);
    ctx.fillStyle = fighter.health > 40 ? '#57a63f' : '#d9534a';
    ctx.fillRect(x - 0.6, y - 0.95, 1.2 * (fighter.health / 100), 0.16);
  }

  private drawName({ fighter, x, y }: Actor, own: boolean): void {
    const { ctx, scale } = this;
    ctx.font = `${own ? 600 : 400} ${NAME_PX}px system-ui, sans-serif`;
    ctx.textAlign = 'center';
    ctx.lineWidth = 3;
    ctx.strokeStyle = 'rgba(255, 253, 244, 0.8)';
    ctx.fillStyle = '#2c2a24';
    const at = (y - 1.15) * scale;
    ctx.strokeText(fighter.name, x * scale, at);
    ctx.fillText(fighter.name, x * scale, at);
  }
}

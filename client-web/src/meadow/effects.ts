/** What lasts a moment: sparkles, rising numbers, emote bubbles, the mark of a click. */
import { EMOTES } from './emotes.ts';
import { GOLD, hueColour, INK } from './palette.ts';
import type { Ctx } from './brush.ts';

interface Spark { x: number; y: number; vx: number; vy: number; colour: string; born: number }
interface Rising { x: number; y: number; text: string; colour: string; born: number }
interface Mark { x: number; y: number; born: number; refused: boolean }

const SPARK_SECONDS = 0.8;
const RISING_SECONDS = 1.3;
const BUBBLE_SECONDS = 2.6;
const MARK_SECONDS = 6;
/** A crowd of picks must not slow the picture down. */
const SPARKS_MAX = 300;

export class Effects {
  calm = false;
  private sparks: Spark[] = [];
  private rising: Rising[] = [];
  private readonly bubbles = new Map<number, { emote: number; born: number }>();
  private mark: Mark | null = null;

  picked(x: number, y: number, hue: number, points: number, own: boolean, now: number): void {
    this.rising.push({ x, y: y - 1, text: `+${points}`, colour: own ? GOLD : '#ffffff', born: now });
    const count = this.calm ? 0 : 14;
    for (let i = 0; i < count && this.sparks.length < SPARKS_MAX; i++) {
      const angle = (i / count) * Math.PI * 2 + Math.random() * 0.4;
      const speed = 0.9 + Math.random() * 1.3;
      this.sparks.push({
        x, y: y - 0.4, vx: Math.cos(angle) * speed, vy: Math.sin(angle) * speed * 0.7 - 1,
        colour: i % 3 === 0 ? GOLD : hueColour(hue, 85, 60 + Math.random() * 15), born: now,
      });
    }
  }

  emoted(entity: number, emote: number, now: number): void {
    if (emote < EMOTES.length) this.bubbles.set(entity, { emote, born: now });
  }

  goto(x: number, y: number, now: number): void {
    this.mark = { x, y, born: now, refused: false };
  }

  /** One is still on the way there: the mark stays. */
  stillGoing(now: number): void {
    if (this.mark && !this.mark.refused && now - this.mark.born > MARK_SECONDS - 1) this.mark.born = now - MARK_SECONDS + 1;
  }

  /** The way there was refused: the mark says so and fades. */
  refused(now: number): void {
    if (this.mark) this.mark = { ...this.mark, born: now - MARK_SECONDS + 0.6, refused: true };
  }

  arrived(): void {
    this.mark = null;
  }

  get target(): { x: number; y: number } | null {
    return this.mark;
  }

  /** What lies on the ground, in metres. */
  drawGround(ctx: Ctx, now: number): void {
    const { mark } = this;
    if (!mark) return;
    const age = now - mark.born;
    if (age > MARK_SECONDS) {
      this.mark = null;
      return;
    }
    const pulse = this.calm ? 0.4 : (age * 1.4) % 1;
    const fade = Math.min(1, MARK_SECONDS - age);
    ctx.strokeStyle = mark.refused ? '#ff7a66' : '#ffffff';
    ctx.lineWidth = 0.07;
    ctx.globalAlpha = fade * 0.9;
    ctx.beginPath();
    ctx.ellipse(mark.x, mark.y, 0.2, 0.11, 0, 0, Math.PI * 2);
    ctx.stroke();
    ctx.globalAlpha = fade * (1 - pulse);
    ctx.beginPath();
    ctx.ellipse(mark.x, mark.y, 0.2 + pulse * 0.4, 0.11 + pulse * 0.22, 0, 0, Math.PI * 2);
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  drawAir(ctx: Ctx, now: number): void {
    this.sparks = this.sparks.filter(({ born }) => now - born < SPARK_SECONDS);
    for (const spark of this.sparks) {
      const age = now - spark.born;
      const left = 1 - age / SPARK_SECONDS;
      const x = spark.x + spark.vx * age;
      const y = spark.y + spark.vy * age + 2.2 * age * age;
      const r = 0.1 * left;
      ctx.fillStyle = spark.colour;
      ctx.beginPath();
      ctx.moveTo(x, y - r * 1.6);
      ctx.quadraticCurveTo(x, y, x + r * 1.6, y);
      ctx.quadraticCurveTo(x, y, x, y + r * 1.6);
      ctx.quadraticCurveTo(x, y, x - r * 1.6, y);
      ctx.quadraticCurveTo(x, y, x, y - r * 1.6);
      ctx.fill();
    }
  }

  /** Text, in CSS pixels, so that the font is set in a size it is made for. */
  drawText(ctx: Ctx, now: number, toScreen: (x: number, y: number) => { x: number; y: number }): void {
    this.rising = this.rising.filter(({ born }) => now - born < RISING_SECONDS);
    ctx.textAlign = 'center';
    ctx.lineJoin = 'round';
    for (const { x, y, text, colour, born } of this.rising) {
      const age = (now - born) / RISING_SECONDS;
      const at = toScreen(x, y - (this.calm ? 0.4 : 1.1 * (1 - (1 - age) ** 3)));
      ctx.globalAlpha = Math.min(1, (1 - age) * 2.5);
      ctx.font = '800 20px system-ui, sans-serif';
      ctx.lineWidth = 4;
      ctx.strokeStyle = 'rgba(28, 50, 36, 0.8)';
      ctx.strokeText(text, at.x, at.y);
      ctx.fillStyle = colour;
      ctx.fillText(text, at.x, at.y);
    }
    ctx.globalAlpha = 1;
  }

  /** Draws the bubble of an entity whose head is at (x, y), in CSS pixels; false if it has none. */
  drawBubble(ctx: Ctx, entity: number, x: number, y: number, now: number): boolean {
    const bubble = this.bubbles.get(entity);
    if (!bubble) return false;
    const age = now - bubble.born;
    if (age > BUBBLE_SECONDS) {
      this.bubbles.delete(entity);
      return false;
    }
    const pop = this.calm ? 1 : Math.min(1, age * 6) * (1 + 0.25 * Math.exp(-age * 6) * Math.cos(age * 22));
    ctx.save();
    ctx.globalAlpha = Math.min(1, (BUBBLE_SECONDS - age) * 3);
    ctx.translate(x, y);
    ctx.scale(pop, pop);
    ctx.fillStyle = 'rgba(20, 40, 30, 0.22)';
    ctx.beginPath();
    ctx.roundRect(-22, -49, 44, 42, 16);
    ctx.fill();
    ctx.fillStyle = '#fffdf6';
    ctx.beginPath();
    ctx.roundRect(-22, -52, 44, 42, 16);
    ctx.fill();
    ctx.beginPath();
    ctx.moveTo(-7, -12);
    ctx.lineTo(0, -2);
    ctx.lineTo(7, -12);
    ctx.fill();
    ctx.font = '24px "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", system-ui, sans-serif';
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    ctx.fillStyle = INK;
    ctx.fillText(EMOTES[bubble.emote]!, 0, -30);
    ctx.restore();
    return true;
  }
}

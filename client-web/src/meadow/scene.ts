/**
 * One picture of the meadow: water, ground, everything that stands up in the order of depth, light.
 *
 * In: the map, the camera and who is where. Out: pixels. Knows nothing of the network.
 */
import { type Actor, type Gait, Gaits } from './actors.ts';
import { drawDuck, drawRabbit, drawSheep } from './animals.ts';
import type { Camera } from './camera.ts';
import { chance } from './chance.ts';
import type { Effects } from './effects.ts';
import { Tile, TileMap } from './map.ts';
import { GOLD } from './palette.ts';
import { drawPlayer } from './people.ts';
import { drawFlower, drawTree, drawTuft, treeFoot } from './plants.ts';
import { Terrain } from './terrain.ts';
import { drawWater } from './water.ts';
import { drawClouds } from './clouds.ts';

interface Standing {
  y: number;
  x: number;
  actor: Actor | null;
  gait: Gait | null;
  tree: boolean;
  tileX: number;
  tileY: number;
}

export class Scene {
  map: TileMap;
  private terrain: Terrain;
  private readonly gaits = new Gaits();

  constructor(map: TileMap) {
    this.map = map;
    this.terrain = new Terrain(map);
  }

  replaceMap(map: TileMap): void {
    this.map = map;
    this.terrain = new Terrain(map);
  }

  /** `calm`: nothing sways or drifts by itself. */
  draw(ctx: CanvasRenderingContext2D, camera: Camera, actors: Actor[], own: number | null, effects: Effects, now: number, elapsed: number, calm: boolean): void {
    const { left, top } = camera;
    const right = left + camera.widthM;
    const bottom = top + camera.heightM;
    const perMetre = camera.scale * camera.ratio;
    const still = calm ? 0 : now;
    ctx.setTransform(perMetre, 0, 0, perMetre, -left * perMetre, -top * perMetre);
    drawWater(ctx, this.map, left, top, right, bottom, still);
    this.terrain.draw(ctx, left, top, right, bottom, Math.round(perMetre));
    effects.drawGround(ctx, now);
    const standing = this.collect(actors, left, top, right, bottom, now, elapsed);
    const hero = actors.find(({ id }) => id === own) ?? null;
    const walkers = standing.filter(({ actor }) => actor && actor.kind !== 'Flower');
    for (const item of standing) this.drawStanding(ctx, item, hero, walkers, still, now);
    if (!calm) drawClouds(ctx, left, top, right, bottom, now);
    effects.drawAir(ctx, now);
    ctx.setTransform(camera.ratio, 0, 0, camera.ratio, 0, 0);
    this.drawNames(ctx, camera, standing, own, effects, now);
    effects.drawText(ctx, now, (x, y) => camera.toScreen(x, y));
  }

  private collect(actors: Actor[], left: number, top: number, right: number, bottom: number, now: number, elapsed: number): Standing[] {
    const items: Standing[] = [];
    this.gaits.begin();
    for (const actor of actors) {
      const gait = this.gaits.update(actor, now, elapsed);
      if (actor.x < left - 2 || actor.x > right + 2 || actor.y < top - 2 || actor.y > bottom + 3) continue;
      items.push({ x: actor.x, y: actor.y, actor, gait, tree: false, tileX: 0, tileY: 0 });
    }
    for (let y = Math.floor(top) - 1; y < bottom + 4; y++) {
      for (let x = Math.floor(left) - 2; x < right + 2; x++) {
        const tile = this.map.at(x, y);
        if (tile === Tile.Tree) {
          items.push({ ...treeFoot(x, y), actor: null, gait: null, tree: true, tileX: x, tileY: y });
        } else if (tile === Tile.TallGrass) {
          for (let i = 0; i < 2; i++) {
            items.push({
              x: x + 0.25 + i * 0.5 + (chance(x, y, 140 + i) - 0.5) * 0.3, y: y + 0.35 + i * 0.4 + (chance(x, y, 142 + i) - 0.5) * 0.5,
              actor: null, gait: null, tree: false, tileX: x, tileY: y,
            });
          }
        }
      }
    }
    return items.sort((a, b) => a.y - b.y);
  }

  private drawStanding(ctx: CanvasRenderingContext2D, item: Standing, hero: Actor | null, walkers: Standing[], still: number, now: number): void {
    const { actor, gait } = item;
    if (actor && gait) {
      ctx.save();
      ctx.translate(actor.x, actor.y);
      this.drawActor(ctx, actor, gait, actor === hero, still, now);
      ctx.restore();
    } else if (item.tree) {
      // One sees oneself through the tree one stands behind.
      const hides = hero !== null && item.y > hero.y && item.y - hero.y < 2.6 && Math.abs(item.x - hero.x) < 1.1;
      drawTree(ctx, item.tileX, item.tileY, still, hides ? 0.45 : 1);
    } else {
      drawTuft(ctx, item.x, item.y, chance(item.tileX, item.tileY, 144), still, bendAt(item, walkers));
    }
  }

  private drawActor(ctx: CanvasRenderingContext2D, actor: Actor, gait: Gait, own: boolean, still: number, now: number): void {
    switch (actor.kind) {
      case 'Player': return drawPlayer(ctx, actor, gait, own, still);
      case 'Sheep': return drawSheep(ctx, actor, gait, still);
      case 'Rabbit': return drawRabbit(ctx, actor, gait, still);
      case 'Duck': return drawDuck(ctx, actor, gait, still, this.map.at(Math.floor(actor.x), Math.floor(actor.y)) === Tile.Water);
      case 'Flower': return drawFlower(ctx, actor.hue, actor.id, still, Math.min(1, (now - gait.bornSeconds) * 2));
    }
  }

  private drawNames(ctx: CanvasRenderingContext2D, camera: Camera, standing: Standing[], own: number | null, effects: Effects, now: number): void {
    ctx.textAlign = 'center';
    ctx.textBaseline = 'alphabetic';
    ctx.lineJoin = 'round';
    for (const { actor } of standing) {
      if (actor?.kind !== 'Player') continue;
      const { x, y } = camera.toScreen(actor.x, actor.y - 1.5);
      const mine = actor.id === own;
      ctx.font = `${mine ? 700 : 600} 13px system-ui, sans-serif`;
      ctx.strokeStyle = 'rgba(24, 46, 34, 0.78)';
      ctx.lineWidth = 3.5;
      ctx.strokeText(actor.name, x, y);
      ctx.fillStyle = mine ? GOLD : '#ffffff';
      ctx.fillText(actor.name, x, y);
      effects.drawBubble(ctx, actor.id, x, y - 14, now);
    }
  }
}

/** Tall grass gives way to whoever walks through it. */
function bendAt(tuft: Standing, walkers: Standing[]): number {
  for (const { x, y } of walkers) {
    const dx = tuft.x - x;
    if (Math.abs(dx) < 0.6 && Math.abs(tuft.y - y) < 0.5) return dx > 0 ? 0.45 : -0.45;
  }
  return 0;
}

/**
 * One picture of the meadow: water, ground, everything that stands up in the order of depth, light.
 *
 * In: the map, the camera and who is where. Out: pixels. Knows nothing of the network.
 */
import { type Actor, type Gait, Gaits } from './actors.ts';
import { drawDuck, drawRabbit, drawSheep } from './animals.ts';
import type { Camera } from './camera.ts';
import { chance } from './chance.ts';
import { drawClouds } from './clouds.ts';
import type { Effects } from './effects.ts';
import { drawFence, drawLeaf, type Leaf, leavesOf, type Swinging } from './fences.ts';
import { Tile, TileMap } from './map.ts';
import type { Overlay } from './overlay.ts';
import { GOLD } from './palette.ts';
import { drawPlayer } from './people.ts';
import { drawFlower, drawTree, drawTuft, treeFoot } from './plants.ts';
import { Terrain } from './terrain.ts';
import { drawWater } from './water.ts';
import { drawWolf } from './wolf.ts';

type Ctx = CanvasRenderingContext2D;

/** What is to be seen now. */
export interface Sight {
  actors: readonly Actor[];
  /** The own avatar's id. */
  own: number | null;
  gates: readonly Swinging[];
  effects: Effects;
  overlay: Overlay;
  /** The time of the picture and how long the last one stood. Units: seconds. */
  now: number;
  elapsed: number;
  /** Nothing sways or drifts by itself. */
  calm: boolean;
}

/** A plant or a fence: it stands where it stands, so it is made once for a map. */
interface Rooted {
  what: 'tree' | 'tuft' | 'fence';
  x: number;
  y: number;
  tileX: number;
  tileY: number;
}
interface Walking {
  what: 'actor';
  x: number;
  y: number;
  actor: Actor;
  gait: Gait;
}
interface Hanging {
  what: 'leaf';
  y: number;
  leaf: Leaf;
}
type Standing = Rooted | Walking | Hanging;

/** What each thing that stands is drawn with. */
interface Moment {
  hero: Actor | null;
  /** The time for what sways; it stands still where that is not wanted. */
  still: number;
  now: number;
  /** Lets the canvas count in the map's metres again. */
  inMetres: () => void;
}

export class Scene {
  map!: TileMap;
  private terrain!: Terrain;
  /** What is rooted, row by row and from left to right. */
  private rows: Rooted[][] = [];
  private readonly gaits = new Gaits();

  constructor(map: TileMap) {
    this.replaceMap(map);
  }

  replaceMap(map: TileMap): void {
    this.map = map;
    this.terrain = new Terrain(map);
    this.rows = [];
  }

  draw(ctx: Ctx, camera: Camera, sight: Sight): void {
    const { effects, overlay, now, calm } = sight;
    const { left, top } = camera;
    const right = left + camera.widthM;
    const bottom = top + camera.heightM;
    const perMetre = camera.scale * camera.ratio;
    const still = calm ? 0 : now;
    const inMetres = () => ctx.setTransform(perMetre, 0, 0, perMetre, -left * perMetre, -top * perMetre);
    inMetres();
    drawWater(ctx, this.map, left, top, right, bottom, still);
    this.terrain.draw(ctx, left, top, right, bottom, Math.round(perMetre));
    overlay.drawGround(ctx, this.map, sight.gates, { left, top, right, bottom });
    effects.drawGround(ctx, now);
    const standing = this.collect(sight, left, top, right, bottom);
    const hero = sight.actors.find(({ id }) => id === sight.own) ?? null;
    this.drawStanding(ctx, standing, { hero, still, now, inMetres });
    inMetres();
    if (!calm) drawClouds(ctx, left, top, right, bottom, now);
    overlay.drawAir(ctx, sight.actors, hero, { now, calm });
    effects.drawAir(ctx, now);
    ctx.setTransform(camera.ratio, 0, 0, camera.ratio, 0, 0);
    this.drawNames(ctx, camera, standing, sight.own, effects, now);
    effects.drawText(ctx, now, (x, y) => camera.toScreen(x, y));
  }

  /** Everything that stands in the picture, from the back to the front. */
  private collect({ actors, gates, now, elapsed }: Sight, left: number, top: number, right: number, bottom: number): Standing[] {
    const items: Standing[] = [];
    this.gaits.begin();
    for (const actor of actors) {
      const isSeen = actor.x >= left - 2 && actor.x <= right + 2 && actor.y >= top - 2 && actor.y <= bottom + 3;
      // Whoever is out of sight needs no legs; a flower keeps the time at which it came up.
      if (!isSeen && actor.kind !== 'Flower') continue;
      const gait = this.gaits.update(actor, now, elapsed);
      if (isSeen) items.push({ what: 'actor', x: actor.x, y: actor.y, actor, gait });
    }
    for (const gate of gates) {
      if (gate.x > right + 2 || gate.y > bottom + 3 || gate.x + gate.width < left - 2 || gate.y + gate.height < top - 2) continue;
      for (const leaf of leavesOf(gate, this.map)) items.push({ what: 'leaf', y: (leaf.hinge.y + leaf.end.y) / 2, leaf });
    }
    for (let y = Math.floor(top) - 1; y < bottom + 4; y++) {
      for (const item of this.rowAt(y)) if (item.tileX >= left - 3 && item.tileX < right + 2) items.push(item);
    }
    return items.sort((a, b) => a.y - b.y);
  }

  private rowAt(y: number): readonly Rooted[] {
    // Beyond the edge the nearest tiles go on, a picture wide at most.
    const margin = 64;
    let row = this.rows[y + margin];
    if (row) return row;
    row = [];
    for (let x = -margin; x < this.map.width + margin; x++) addRooted(row, this.map.at(x, y), x, y);
    this.rows[y + margin] = row;
    return row;
  }

  private drawStanding(ctx: Ctx, standing: readonly Standing[], { hero, still, now, inMetres }: Moment): void {
    const walkers = standing.filter((item): item is Walking => item.what === 'actor' && item.actor.kind !== 'Flower');
    // Both are in the order of depth, so that a tuft looks at its neighbours only.
    let first = 0;
    for (const item of standing) {
      // Each leaves its own transform behind: cheaper than to save and restore for hundreds.
      inMetres();
      switch (item.what) {
        case 'actor':
          ctx.translate(item.x, item.y);
          this.drawActor(ctx, item.actor, item.gait, item.actor === hero, still, now);
          break;
        case 'tree': {
          // One sees oneself through the tree one stands behind.
          const hides = hero !== null && item.y > hero.y && item.y - hero.y < 2.6 && Math.abs(item.x - hero.x) < 1.1;
          drawTree(ctx, item.tileX, item.tileY, still, hides ? 0.45 : 1);
          break;
        }
        case 'tuft':
          while (first < walkers.length && walkers[first]!.y <= item.y - BEND_M) first += 1;
          drawTuft(ctx, item.x, item.y, chance(item.tileX, item.tileY, 144), still, bendAt(item, walkers, first));
          break;
        case 'fence':
          ctx.translate(item.x, item.y);
          drawFence(ctx, this.map, item.tileX, item.tileY);
          break;
        case 'leaf':
          drawLeaf(ctx, item.leaf);
      }
    }
  }

  private drawActor(ctx: Ctx, actor: Actor, gait: Gait, own: boolean, still: number, now: number): void {
    switch (actor.kind) {
      case 'Player': return drawPlayer(ctx, actor, gait, own, still);
      case 'Sheep': return drawSheep(ctx, actor, gait, still);
      case 'Rabbit': return drawRabbit(ctx, actor, gait, still);
      case 'Duck': {
        const afloat = this.map.at(Math.floor(actor.x), Math.floor(actor.y)) === Tile.Water;
        return drawDuck(ctx, actor, gait, still, afloat);
      }
      case 'Flower': return drawFlower(ctx, actor.hue, actor.id, still, Math.min(1, (now - gait.bornSeconds) * 2));
      case 'Wolf': return drawWolf(ctx, actor, gait, still);
    }
  }

  private drawNames(ctx: Ctx, camera: Camera, standing: readonly Standing[], own: number | null, effects: Effects, now: number): void {
    ctx.textAlign = 'center';
    ctx.textBaseline = 'alphabetic';
    ctx.lineJoin = 'round';
    for (const item of standing) {
      if (item.what !== 'actor' || item.actor.kind !== 'Player') continue;
      const { actor } = item;
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

function addRooted(row: Rooted[], tile: number, tileX: number, tileY: number): void {
  const place = { tileX, tileY };
  if (tile === Tile.Tree) row.push({ what: 'tree', ...treeFoot(tileX, tileY), ...place });
  if (tile === Tile.Fence) row.push({ what: 'fence', x: tileX + 0.5, y: tileY + 0.5, ...place });
  if (tile !== Tile.TallGrass) return;
  for (let i = 0; i < 2; i++) {
    const x = tileX + 0.25 + i * 0.5 + (chance(tileX, tileY, 140 + i) - 0.5) * 0.3;
    const y = tileY + 0.35 + i * 0.4 + (chance(tileX, tileY, 142 + i) - 0.5) * 0.5;
    row.push({ what: 'tuft', x, y, ...place });
  }
}

/** So near in depth, a walker bends the grass. */
const BEND_M = 0.5;

/** Tall grass gives way to whoever walks through it; nobody before `first` is near enough. */
function bendAt(tuft: Rooted, walkers: readonly Walking[], first: number): number {
  for (let i = first; i < walkers.length && walkers[i]!.y < tuft.y + BEND_M; i++) {
    const dx = tuft.x - walkers[i]!.x;
    if (Math.abs(dx) < 0.6) return dx > 0 ? 0.45 : -0.45;
  }
  return 0;
}

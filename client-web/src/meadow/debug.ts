/**
 * `window.__downbeat`: a debug handle for the browser's console and for tests. It only looks; it is
 * no interface for pages, and may change with any version.
 */
import type { Client } from '../sdk/index.ts';
import type { Answer, Picture, Recorder } from './recorder.ts';
import type { Actor } from './actors.ts';
import type { Camera } from './camera.ts';
import type { Figures } from './figures.ts';
import type { Gates, Swinging } from './fences.ts';
import type { JobsShown, meadow } from '../games/meadow.ts';
import type { TileMap } from './map.ts';
import type { Drawn, Overlay } from './overlay.ts';

export interface DebugHandle {
  /** The connection: `idle`, `connecting`, `open`, `reconnecting` or `closed`, and its details. */
  state(): Client<typeof meadow>['state'];
  /** The own avatar as it is drawn now, null before the first frame. */
  me(): { id: number; x: number; y: number; score: number; name: string } | null;
  /** Everything in view as it is drawn now, in metres. */
  entities(): { id: number; kind: string; x: number; y: number; name: string; score: number }[];
  /** The gates, with how far each is drawn open: from 0, closed, to 1. */
  gates(): readonly Swinging[];
  /** The routes of the last picture, from where their agents are drawn; none while the overlay is off. */
  routes(): readonly Drawn[];
  /** What else the overlay has drawn: the own way, blocked squares in view, lines of jobs; and its figures. */
  overlay(): { on: boolean; own: readonly { x: number; y: number }[]; blocked: number; asks: number; jobs: JobsShown | null };
  /** What the private state holds: corners of the own way, routes, open questions. */
  told(): { path: number; routes: number; waiting: number };
  /** Whether nobody walks on a square: water, trees, fences, closed gates. */
  blocked(x: number, y: number): boolean;
  /** Pictures in the last second. */
  fps(): number;
  /** The last round trip in milliseconds. */
  rtt(): number | null;
  /** The newest whole tick received. */
  tick(): number;
  /** Keeps every picture's places from now on, for `pictures`. */
  record(): void;
  /** The kept pictures, oldest first; at most the newest 1,200. */
  pictures(): readonly Picture[];
  /** The last key that was pressed to walk, and when the own avatar was drawn elsewhere. */
  answer(): Answer | null;
  /**
   * Steps that the server confirmed and that it corrected; checksums of cells that did not agree
   * (with `?debug` in the address only).
   */
  counters(): { confirmed: number; corrected: number; mismatches: number };
  /** What went wrong in the page. */
  errors(): readonly string[];
  /** Metres to CSS pixels of the page, and back. */
  toScreen(x: number, y: number): { x: number; y: number };
  toWorld(px: number, py: number): { x: number; y: number };
}

declare global {
  interface Window {
    __downbeat?: DebugHandle;
  }
}

interface Parts {
  client: Client<typeof meadow>;
  camera: Camera;
  figures: Figures;
  gates: Gates;
  overlay: Overlay;
  recorder: Recorder;
  predictor: { readonly confirmed: number; readonly corrected: number };
  own: () => number | null;
  actors: () => Actor[];
  map: () => TileMap;
}

export function installDebugHandle(parts: Parts): void {
  const { client, camera, figures, gates, overlay, predictor, recorder } = parts;
  const drawn = () => (client.view.tick === 0 ? [] : parts.actors().filter(({ id }) => client.view.entities.has(id)));
  window.__downbeat = {
    state: () => client.state,
    me() {
      const own = drawn().find(({ id }) => id === parts.own());
      return own ? { id: own.id, x: own.x, y: own.y, score: own.score, name: own.name } : null;
    },
    entities: () => drawn().map(({ id, kind, x, y, name, score }) => ({ id, kind, x, y, name, score })),
    gates: () => gates.all,
    routes: () => overlay.routes,
    overlay: () => ({ on: overlay.on, own: overlay.own, blocked: overlay.blocked, asks: overlay.asksShown, jobs: client.view.private?.jobs ?? null }),
    told() {
      const told = client.view.private;
      return { path: told?.path.length ?? 0, routes: told?.routes.length ?? 0, waiting: told?.jobs.waiting.length ?? 0 };
    },
    blocked: (x, y) => parts.map().isBlocked(Math.floor(x), Math.floor(y)),
    fps: () => figures.fps(),
    rtt: () => client.rtt,
    tick: () => client.view.tick,
    record: () => recorder.record(),
    pictures: () => recorder.pictures,
    answer: () => recorder.answer,
    counters: () => ({ confirmed: predictor.confirmed, corrected: predictor.corrected, mismatches: client.mismatches }),
    errors: () => recorder.errors,
    toScreen: (x, y) => camera.toScreen(x, y),
    toWorld: (px, py) => camera.toWorld(px, py),
  };
}

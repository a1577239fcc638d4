/** The page of the game `meadow`: ties the client, the picture and the controls together. */
import { Avatar, connect, NAME_CHARS_MAX, Playback } from '../sdk/index.ts';
import type { Actor } from './actors.ts';
import { Camera } from './camera.ts';
import { installDebugHandle } from './debug.ts';
import { Effects } from './effects.ts';
import { Figures } from './figures.ts';
import { type Entity, type Event as MeadowEvent, meadow } from '../games/meadow.ts';
import { element, Hud } from './hud.ts';
import { TileMap } from './map.ts';
import { Minimap } from './minimap.ts';
import { postcardActors, postcardMap, postcardView } from './postcard.ts';
import { Recorder } from './recorder.ts';
import { Scene } from './scene.ts';
import { Steering } from './steering.ts';
import { walkRules } from './walk.ts';

const NAME_KEY = 'downbeat.meadow.name';
const MINIMAP_MS = 120;
/** An avatar this near to the mark has arrived. */
const ARRIVED_M = 0.45;

const canvas = element<HTMLCanvasElement>('world');
const ctx = canvas.getContext('2d', { alpha: false })!;
const query = new URLSearchParams(location.search);
const room = query.get('room') || 'main';
const motionQuery = matchMedia('(prefers-reduced-motion: reduce)');

const client = connect({ game: meadow, debug: query.has('debug') });
// Before `Steering`: it must hear of a key first.
const recorder = new Recorder();
const playback = new Playback(client, ({ pos, heading }: Entity) => ({ x: pos.x, y: pos.y, turn: heading }));
const avatar = new Avatar(client, walkRules());
const camera = new Camera();
const effects = new Effects();
const scene = new Scene(postcardMap());
const minimap = new Minimap(element<HTMLCanvasElement>('minimap'));
const figures = new Figures(client, () => playback.clock.delayTicks);
const emote = (number: number) => void client.input({ type: 'Emote', emote: number });
const hud = new Hud(emote, (action) => (action === 'Reload the page' ? location.reload() : client.retry()));

let tiles: Uint8Array | null = null;
let actors: Actor[] = [];
let minimapAt = 0;
let drawnAt = performance.now();
const gotos = new Set<number>();

const steering = new Steering(canvas, {
  walk(dx, dy) {
    effects.arrived();
    avatar.hold(dx === 0 && dy === 0 ? null : { type: 'Walk', dx, dy });
  },
  goto(px, py) {
    if (!tiles) return;
    const { x, y } = camera.toWorld(px, py);
    const inside = (value: number, side: number) => Math.min(side - 0.01, Math.max(0, value));
    const goal = { x: inside(x, scene.map.width), y: inside(y, scene.map.height) };
    avatar.press({ type: 'Goto', ...goal }, (seq) => gotos.add(seq));
    effects.goto(goal.x, goal.y, seconds());
  },
  emote,
  escape() {
    if (figures.hide()) return;
    effects.arrived();
    avatar.hold({ type: 'Walk', dx: 0, dy: 0 });
    avatar.hold(null);
  },
  stick: (at) => hud.stick(at),
});

function seconds(): number {
  return performance.now() / 1000;
}

function resize(): void {
  // Beyond 2.5 a phone draws more than an eye can see, and slower.
  const ratio = Math.min(2.5, devicePixelRatio || 1);
  camera.resize(innerWidth, innerHeight, ratio);
  canvas.width = Math.round(innerWidth * ratio);
  canvas.height = Math.round(innerHeight * ratio);
}

function handleEvent(event: MeadowEvent): void {
  switch (event.type) {
    case 'Picked': {
      const own = event.player === client.view.avatar;
      effects.picked(event.x, event.y, event.flower_hue, event.points, own, seconds());
      if (!own) break;
      hud.cheer();
      hud.announce(`Picked a flower: ${event.points} ${event.points === 1 ? 'point' : 'points'}`);
      break;
    }
    case 'Emoted':
      effects.emoted(event.entity, event.emote, seconds());
      break;
    case 'Joined':
      if (event.name !== client.view.name) hud.feed(`${event.name} has come`);
      break;
    case 'Left':
      hud.feed(`${event.name} has left`);
  }
}

client.on('event', handleEvent);
client.on('refused', (seq) => {
  if (gotos.has(seq)) effects.refused(seconds());
});
client.on('welcome', ({ name }) => {
  gotos.clear();
  hud.announce(`You are in the meadow as ${name}`);
});
client.on('state', (state) => {
  hud.showState(state);
  steering.enabled = state.type === 'open';
  if (state.type !== 'open') steering.release();
});
client.on('frame', () => {
  for (const seq of gotos) if (seq <= client.view.inputAck) gotos.delete(seq);
  const { shared } = client.view;
  // The bytes are replaced only when the server sends the field anew.
  if (shared && shared.tiles !== tiles) {
    const first = tiles === null;
    tiles = shared.tiles;
    const map = TileMap.fromRuns(shared.width, shared.height, shared.tiles);
    scene.replaceMap(map);
    minimap.replaceMap(map);
    if (first) {
      hud.showGame(true);
      canvas.focus({ preventScroll: true });
    }
  }
  const own = client.view.avatar === null ? undefined : client.view.entities.get(client.view.avatar);
  hud.showScore(own?.score ?? 0, shared, client.view.name);
});

/** Everyone's place in this picture: others where they were a moment ago, oneself where one is. */
function placed(now: number): Actor[] {
  playback.begin(now);
  const all: Actor[] = [];
  const own = avatar.drawn(now);
  for (const [id, { kind, name, score, hue }] of client.view.entities) {
    const pose = id === client.view.avatar && own ? { x: own.x, y: own.y, turn: own.state.heading } : playback.pose(id);
    if (pose) all.push({ id, kind, name, score, hue, ...pose });
  }
  return all;
}

/** `now` is the time of the picture, not of the call: the calls come less evenly than the pictures. */
function drawPicture(now: number): void {
  requestAnimationFrame(drawPicture);
  // After a hidden tab or a hitch no step is made up for.
  const elapsed = Math.max(0, Math.min(0.1, (now - drawnAt) / 1000));
  drawnAt = now;
  const own = client.view.avatar;
  actors = tiles ? placed(now) : postcardActors(scene.map, motionQuery.matches ? 20 : now / 1000);
  const hero = actors.find(({ id }) => id === own && tiles !== null);
  const focus = hero ?? (tiles ? { x: camera.x, y: camera.y } : postcardView(motionQuery.matches ? 0 : now / 1000));
  camera.follow(focus.x, focus.y, elapsed, scene.map.width, scene.map.height);
  const { target } = effects;
  if (hero && target && Math.hypot(hero.x - target.x, hero.y - target.y) < ARRIVED_M) effects.arrived();
  effects.calm = motionQuery.matches;
  scene.draw(ctx, camera, actors, tiles ? own : null, effects, now / 1000, elapsed, motionQuery.matches);
  if (tiles && now - minimapAt > MINIMAP_MS) {
    minimapAt = now;
    minimap.draw(scene.map, camera, actors, own);
  }
  figures.handlePicture(now);
  recorder.handlePicture(now, actors, tiles ? own : null);
}

function start(): void {
  const form = element<HTMLFormElement>('start');
  const name = element<HTMLInputElement>('name');
  const recall = () => {
    try {
      return localStorage.getItem(NAME_KEY) ?? '';
    } catch {
      return ''; // Storage may be forbidden; then the name is asked anew each time.
    }
  };
  name.value = recall().slice(0, NAME_CHARS_MAX);
  if (matchMedia('(pointer: fine)').matches) name.select();
  form.onsubmit = (event) => {
    event.preventDefault();
    client.name = name.value.trim();
    try {
      localStorage.setItem(NAME_KEY, client.name);
    } catch {
      // As above.
    }
    try {
      client.join(room);
    } catch (error) {
      element('start-note').textContent = (error as Error).message;
    }
  };
}

addEventListener('resize', resize);
resize();
start();
installDebugHandle({ client, camera, figures, recorder, predictor: avatar.predictor, actors: () => actors });
requestAnimationFrame(drawPicture);

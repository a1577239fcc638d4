/** The page of the game `meadow`: ties the client, the picture and the controls together. */
import { Avatar, connect, NAME_CHARS_MAX, Playback } from '../sdk/index.ts';
import type { Actor } from './actors.ts';
import { Camera } from './camera.ts';
import { installDebugHandle } from './debug.ts';
import { Effects } from './effects.ts';
import { Figures } from './figures.ts';
import { type Entity, type Event as MeadowEvent, meadow } from '../games/meadow.ts';
import { element, Hud } from './hud.ts';
import { Gates } from './fences.ts';
import { KeptMap } from './map.ts';
import { Minimap } from './minimap.ts';
import { Overlay } from './overlay.ts';
import { OverlayPanel } from './overlay_panel.ts';
import { postcardActors, postcardMap, postcardView } from './postcard.ts';
import { Recorder } from './recorder.ts';
import { Scene } from './scene.ts';
import { Steering } from './steering.ts';
import { isGoing, walkRules } from './walk.ts';

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
const avatar = new Avatar(client, walkRules(() => client.view.private));
const camera = new Camera();
const effects = new Effects();
const scene = new Scene(postcardMap());
const minimap = new Minimap(element<HTMLCanvasElement>('minimap'));
const gates = new Gates();
const overlay = new Overlay();
const overlayPanel = new OverlayPanel(() => toggleOverlay());
const kept = new KeptMap();
const figures = new Figures(client, () => playback.clock.delayTicks);
const emote = (number: number) => void client.input({ type: 'Emote', emote: number });
const hud = new Hud(emote, (action) => (action === 'Reload the page' ? location.reload() : client.retry()));

/** Whether the room's first picture has come. */
let playing = false;
/** The own avatar's id, once it is of the room's picture: after a new welcome the old one stands for a moment. */
let ownId: number | null = null;
let actors: Actor[] = [];
let minimapAt = 0;
let drawnAt = performance.now();
const gotos = new Set<number>();
/** The newest input that said whether the overlay is on. */
let overlaySeq = 0;

const steering = new Steering(canvas, {
  walk(dx, dy) {
    effects.arrived();
    avatar.hold(dx === 0 && dy === 0 ? null : { type: 'Walk', dx, dy });
  },
  goto(px, py) {
    if (!playing) return;
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
  overlay: () => toggleOverlay(),
  stick: (at) => hud.stick(at),
});

function toggleOverlay(): void {
  overlay.on = !overlay.on;
  overlayPanel.show(overlay.on);
  sayOverlay();
  hud.announce(overlay.on ? 'Grid, routes and jobs are shown' : 'Grid, routes and jobs are hidden');
}

/** It moves nothing, so it need not wait for a step. */
function sayOverlay(): void {
  overlaySeq = client.input({ type: 'Overlay', on: overlay.on });
}

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
  if (seq === overlaySeq) sayOverlay();
});
client.on('welcome', ({ name }) => {
  ownId = null;
  gotos.clear();
  hud.announce(`You are in the meadow as ${name}`);
});
client.on('state', (state) => {
  hud.showState(state);
  steering.enabled = state.type === 'open';
  if (state.type !== 'open') steering.release();
  // A new conversation knows nothing of the old one's wishes.
  else if (overlay.on) sayOverlay();
});
client.on('frame', () => {
  ownId = client.view.avatar;
  for (const seq of gotos) if (seq <= client.view.inputAck) gotos.delete(seq);
  const { shared } = client.view;
  const map = shared && kept.of(shared);
  if (map && map !== scene.map) {
    scene.replaceMap(map);
    minimap.replaceMap(map);
  }
  if (map && !playing) {
    playing = true;
    hud.showGame(true);
    canvas.focus({ preventScroll: true });
  }
  const own = ownId === null ? undefined : client.view.entities.get(ownId);
  hud.showScore(own?.score ?? 0, shared, client.view.name);
});

/** Everyone's place in this picture: others where they were a moment ago, oneself where one is. */
function placed(now: number): Actor[] {
  playback.begin(now);
  const all: Actor[] = [];
  const own = avatar.drawn(now);
  for (const [id, { kind, name, score, hue }] of client.view.entities) {
    const pose = id === ownId && own ? { x: own.x, y: own.y, turn: own.state.heading } : playback.pose(id);
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
  const calm = motionQuery.matches;
  const own = playing ? ownId : null;
  actors = playing ? placed(now) : postcardActors(scene.map, calm ? 20 : now / 1000);
  const hero = actors.find(({ id }) => id === own);
  const focus = hero ?? (playing ? { x: camera.x, y: camera.y } : postcardView(calm ? 0 : now / 1000));
  camera.follow(focus.x, focus.y, elapsed, scene.map.width, scene.map.height);
  const walker = hero ? (avatar.drawn(now)?.state ?? null) : null;
  if (hero && walker) keepMark(hero, isGoing(walker), now / 1000);
  effects.calm = calm;
  gates.handlePicture(client.view.shared?.gates ?? [], elapsed, calm);
  overlay.handlePicture(client.view.private, walker, now / 1000);
  scene.draw(ctx, camera, { actors, own, gates: gates.all, effects, overlay, now: now / 1000, elapsed, calm });
  if (playing && now - minimapAt > MINIMAP_MS) {
    minimapAt = now;
    minimap.draw(scene.map, camera, actors, own, gates.all);
  }
  overlayPanel.handlePicture(client.view.private?.jobs ?? null, now);
  figures.handlePicture(now);
  recorder.handlePicture(now, actors, own);
}

/** The mark of a click stays as long as one is on the way there, and goes when one has arrived. */
function keepMark(hero: Actor, going: boolean, now: number): void {
  const { target } = effects;
  if (!target) return;
  if (Math.hypot(hero.x - target.x, hero.y - target.y) < ARRIVED_M) effects.arrived();
  else if (going) effects.stillGoing(now);
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
installDebugHandle({ client, camera, gates, overlay, figures, recorder, predictor: avatar.predictor, own: () => ownId, actors: () => actors, map: () => scene.map });
requestAnimationFrame(drawPicture);

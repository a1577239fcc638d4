/** The page of the game `arena`: ties the client, the picture and the controls together. */
import { Avatar, connect, NAME_CHARS_MAX, Playback } from '../sdk/index.ts';
import { arena, type Entity as Fighter, type Event as ArenaEvent, type Input } from '../games/arena.ts';
import { type Actor, BARE, Picture, teamColour } from './picture.ts';
import { runRules } from './run.ts';

const KEYS: Record<string, readonly [number, number]> = {
  ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0],
  KeyW: [0, -1], KeyS: [0, 1], KeyA: [-1, 0], KeyD: [1, 0],
};
/** A click is held for at least two inputs: what falls between two ticks would be lost. */
const FIRE_TICKS = 2.5;
/** Who neither runs nor fires nor turns for this long says nothing. */
const IDLE_MS = 500;
const FEED_LINES = 4;
const FEED_MS = 5_000;

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const query = new URLSearchParams(location.search);
const picture = new Picture(element<HTMLCanvasElement>('field'));
const client = connect({ game: arena, debug: query.has('debug') });
const playback = new Playback(client, ({ pos, heading }: Fighter) => ({ x: pos.x, y: pos.y, turn: heading }));
const avatar = new Avatar(client, runRules);

const held = new Set<string>();
const mouse = { x: 0, y: 0, down: false };
let firesUntil = 0;
let aim = 0;
let busyAt = 0;
let actors: Actor[] = [];

function resize(): void {
  picture.resize(innerWidth, innerHeight, devicePixelRatio, (client.view.shared ?? BARE).side);
}

function release(): void {
  held.clear();
  mouse.down = false;
}

/** What the player does now; null where that is nothing. */
function wish(now: number): Input | null {
  const me = actors.find(({ id }) => id === client.view.avatar);
  if (client.state.type !== 'open' || !me) return null;
  const { x, y } = picture.toWorld(mouse.x, mouse.y);
  const turn = Math.round((Math.atan2(y - me.y, x - me.x) / (Math.PI * 2)) * 256) & 255;
  let [dx, dy] = [0, 0];
  for (const code of held) {
    dx += KEYS[code]![0];
    dy += KEYS[code]![1];
  }
  const fire = mouse.down || now < firesUntil;
  if (dx !== 0 || dy !== 0 || fire || turn !== aim) busyAt = now;
  aim = turn;
  // The server shortens a diagonal to full speed.
  return now - busyAt < IDLE_MS ? { dx: Math.sign(dx) * 127, dy: Math.sign(dy) * 127, aim, fire } : null;
}

function feed(text: string): void {
  const line = document.createElement('p');
  line.textContent = text;
  element('feed').append(line);
  while (element('feed').childElementCount > FEED_LINES) element('feed').firstElementChild!.remove();
  setTimeout(() => line.remove(), FEED_MS);
}

function handleEvent(event: ArenaEvent): void {
  const now = performance.now();
  if (event.type === 'Shot') {
    const team = client.view.entities.get(event.by)?.team ?? 0;
    picture.flash({ kind: 'shot', from: event.from, to: event.to, team, at: now });
  } else if (event.type === 'Hit') {
    const target = actors.find(({ id }) => id === event.target);
    if (target) picture.flash({ kind: 'hit', from: target, to: { x: target.x, y: target.y }, team: 0, at: now });
  } else {
    picture.flash({ kind: 'fall', from: event.at, to: event.at, team: event.team, at: now });
    feed(`${event.by} felled ${event.name}`);
  }
}

function showScores(): void {
  const { shared, avatar: id } = client.view;
  const own = id === null ? undefined : client.view.entities.get(id);
  element('scores').hidden = shared === null;
  element('blue').textContent = String(shared?.teams[0] ?? 0);
  element('orange').textContent = String(shared?.teams[1] ?? 0);
  element('health').textContent = own ? `${own.health} ♥` : '';
  element('ammo').textContent = own?.ammo == null ? '' : own.ammo === 0 ? 'reloading…' : `${own.ammo} shots`;
  element('fallen').hidden = own !== undefined || client.state.type !== 'open';
  element('top').replaceChildren(
    ...(shared?.top ?? []).map(({ name, team, score }) => {
      const line = document.createElement('li');
      line.textContent = `${name} · ${score}`;
      line.style.color = teamColour(team);
      return line;
    }),
  );
}

/** Everyone's place in this picture: others where they were a moment ago, oneself where one is. */
function placed(now: number): Actor[] {
  playback.begin(now);
  const own = avatar.drawn(now);
  const all: Actor[] = [];
  for (const [id, fighter] of client.view.entities) {
    const pose = id === client.view.avatar && own ? { x: own.x, y: own.y, turn: aim } : playback.pose(id);
    if (pose) all.push({ id, fighter, ...pose });
  }
  return all;
}

function drawPicture(now: number): void {
  requestAnimationFrame(drawPicture);
  avatar.hold(wish(performance.now()));
  actors = placed(now);
  picture.draw(client.view.shared, actors, client.view.avatar, performance.now(), devicePixelRatio);
}

client.on('event', handleEvent);
client.on('frame', ({ reset }) => {
  if (reset) resize();
  showScores();
});
client.on('state', (state) => {
  element('start').hidden = state.type !== 'idle' && state.type !== 'closed';
  element('note').textContent = state.type === 'closed' ? state.reason : '';
  element('status').textContent = state.type === 'open' ? '' : state.type;
  if (state.type !== 'open') release();
});
element('start').onsubmit = (event) => {
  event.preventDefault();
  client.name = element<HTMLInputElement>('name').value.trim();
  try {
    client.join(query.get('room') || 'main');
  } catch (error) {
    element('note').textContent = (error as Error).message;
  }
};
element<HTMLInputElement>('name').maxLength = NAME_CHARS_MAX;

addEventListener('keydown', (event) => {
  if (!(event.code in KEYS) || event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  held.add(event.code);
});
addEventListener('keyup', ({ code }) => held.delete(code));
addEventListener('blur', release);
addEventListener('pointermove', ({ clientX, clientY }) => Object.assign(mouse, { x: clientX, y: clientY }));
element('field').addEventListener('pointerdown', ({ button, clientX, clientY }) => {
  if (button !== 0) return;
  Object.assign(mouse, { x: clientX, y: clientY, down: true });
  firesUntil = performance.now() + (FIRE_TICKS * 1000) / client.view.tickRateHz;
});
addEventListener('pointerup', () => (mouse.down = false));
addEventListener('resize', resize);
resize();
requestAnimationFrame(drawPicture);

// A debug handle, as on the meadow's page: it only looks.
Object.assign(window, {
  __downbeat: {
    state: () => client.state,
    me: () => actors.find(({ id }) => id === client.view.avatar) ?? null,
    entities: () => actors,
    counters: () => ({ confirmed: avatar.predictor.confirmed, corrected: avatar.predictor.corrected, mismatches: client.mismatches }),
  },
});

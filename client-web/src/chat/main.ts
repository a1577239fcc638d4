/** The page of the game `chat`: ties the client, the lines and the people together. */
import { connect, NAME_CHARS_MAX } from '../sdk/index.ts';
import { chat, type Entity, type Event as ChatEvent, type Input } from '../games/chat.ts';
import { Lines } from './lines.ts';
import { hintText, showPeople, typingText } from './people.ts';

/** The server tells nobody anew within this time. */
const TYPING_TOLD_MS = 2_000;
const TEXT_CHARS_MAX = 500;
/** Why something was not done, as people say it. */
const WHYS: Record<string, string> = {
  TooFast: 'Not so fast: a line a second.',
  TooLong: `At most ${TEXT_CHARS_MAX} characters, please.`,
  Muted: 'A moderator has muted you for a while.',
  NobodyThere: 'Nobody of that name is here any more.',
  NotModerator: 'Only a moderator may do that.',
  Elsewhere: 'They came in by another server, where somebody else moderates.',
};

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const query = new URLSearchParams(location.search);
const client = connect({ game: chat, debug: query.has('debug') });
const lines = new Lines(element<HTMLOListElement>('lines'));
const text = element<HTMLInputElement>('text');
let to: Entity | null = null;
let typedAt = -Infinity;
/** What was said last, to be mended if it is refused. */
let said = '';
/** The people as they are shown. */
let shown = '';

function entries(kind: Entity['kind']): Entity[] {
  return [...client.view.entities.values()].filter((entry) => entry.kind === kind);
}

const own = (): number => client.view.private?.person ?? 0;

function speakTo(person: Entity | null): void {
  to = person;
  element('to').hidden = person === null;
  element('to').querySelector('span')!.textContent = person ? `To ${person.name} alone` : '';
  text.focus();
}

function note(words: string): void {
  element('note').textContent = words;
}

function handleEvent(event: ChatEvent): void {
  switch (event.type) {
    case 'Joined': return lines.aside(`${event.name} came`, 'aside');
    case 'Left': return lines.aside(`${event.name} went`, 'aside');
    case 'Direct': return lines.aside(event.text, 'direct', `${event.from} → ${event.to}`);
    case 'Refused':
      if (text.value === '') text.value = said;
      return note(WHYS[event.why] ?? event.why);
    case 'Missed': return lines.aside('Some lines from elsewhere may be missing here.', 'aside');
  }
}

function show(): void {
  const spoken = entries('Line');
  lines.update(spoken);
  element('silence').hidden = spoken.length > 0;
  const people = entries('Person');
  element('typing').textContent = typingText(people, own());
  // A list that is made anew loses its focus and whatever is being clicked.
  const key = JSON.stringify([own(), people.map((person) => ({ ...person, typing: false }))]);
  if (key === shown) return;
  shown = key;
  showPeople(element<HTMLUListElement>('people'), people, own(), {
    tell: speakTo,
    mute: ({ number }, minutes) => moderate({ type: 'Mute', person: number, minutes }),
    kick: ({ number }) => moderate({ type: 'Kick', person: number }),
  });
  element('hint').textContent = hintText(people, own());
}

function moderate(wish: Input): void {
  said = '';
  client.input(wish);
}

client.on('event', handleEvent);
client.on('frame', show);
// Numbers of people are those of a room: in another one the same number is somebody else.
client.on('joined', () => speakTo(null));
client.on('state', (state) => {
  const isOut = state.type === 'idle' || state.type === 'closed';
  element('start').hidden = !isOut;
  element('chat').hidden = isOut;
  element('start-note').textContent = state.type === 'closed' ? state.reason : '';
  element('chat').classList.toggle('away', state.type !== 'open');
  element('status').textContent = state.type === 'open' ? '' : state.type === 'connecting' ? 'Connecting…' : 'Not connected; trying again…';
  if (state.type !== 'open') element('typing').textContent = '';
  note('');
  if (isOut) lines.clear();
  if (state.type === 'open') text.focus();
});

element('start').onsubmit = (event) => {
  event.preventDefault();
  client.name = element<HTMLInputElement>('name').value.trim();
  const room = element<HTMLInputElement>('room').value.trim() || 'lobby';
  try {
    client.join(room);
    element('title').textContent = room;
    // A link to this page, or a reload of it, leads to the same room.
    query.set('room', room);
    history.replaceState(null, '', `?${query}`);
  } catch (error) {
    element('start-note').textContent = (error as Error).message;
  }
};
element('leave').onclick = () => client.leave();
element('to').querySelector('button')!.onclick = () => speakTo(null);
element('say').onsubmit = (event) => {
  event.preventDefault();
  if (text.value.trim() === '') return;
  if (client.state.type !== 'open') return note('Not connected. What you wrote stays here.');
  said = text.value;
  client.input(to ? { type: 'Tell', person: to.number, text: said } : { type: 'Say', text: said });
  text.value = '';
  typedAt = -Infinity;
  note('');
};
text.onkeydown = ({ key }) => {
  if (key === 'Escape' && to !== null) speakTo(null);
};
text.oninput = () => {
  const now = performance.now();
  if (to !== null || text.value === '' || now - typedAt < TYPING_TOLD_MS) return;
  typedAt = now;
  client.input({ type: 'Typing', on: true });
};
element<HTMLInputElement>('name').maxLength = NAME_CHARS_MAX;
element<HTMLInputElement>('room').value = query.get('room') ?? '';
text.maxLength = TEXT_CHARS_MAX;

// A debug handle, as on the other pages: it only looks.
Object.assign(window, {
  __downbeat: { state: () => client.state, entries: () => [...client.view.entities.values()], own, mismatches: () => client.mismatches },
});

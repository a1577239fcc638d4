/** Who is here. In: the people of the view. Out: a list, and what a click on it asks for. */
import type { Entity } from '../games/chat.ts';

export interface Wishes {
  /** Say something to this one alone. */
  tell(person: Entity): void;
  mute(person: Entity, minutes: number): void;
  kick(person: Entity): void;
}

/** How long a click silences. */
const MUTE_MINUTES = 10;

/** Shows the people; who is oneself is not talked to, and only moderators have buttons. */
export function showPeople(list: HTMLUListElement, people: Entity[], own: number, wishes: Wishes): void {
  const isModerator = people.some(({ number, moderator }) => number === own && moderator);
  const rows = people.sort((a, b) => a.number - b.number).map((person) => {
    const row = document.createElement('li');
    row.dataset.person = String(person.number);
    const name = button('person', person.name, () => wishes.tell(person));
    name.disabled = person.number === own;
    row.append(name);
    const marks = [person.number === own && 'you', person.moderator && 'moderator', person.muted && 'muted'];
    const mark = document.createElement('span');
    mark.className = 'mark';
    mark.textContent = marks.filter(Boolean).join(', ');
    row.append(mark);
    if (isModerator && person.number !== own) {
      row.append(
        button('act mute', person.muted ? 'Unmute' : 'Mute', () => wishes.mute(person, person.muted ? 0 : MUTE_MINUTES)),
        button('act kick', 'Kick', () => wishes.kick(person)),
      );
    }
    return row;
  });
  list.replaceChildren(...rows);
}

function button(kind: string, text: string, click: () => void): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = kind;
  element.textContent = text;
  element.onclick = click;
  return element;
}

/** Who is writing, in a few words. */
export function typingText(people: Entity[], own: number): string {
  const names = people.filter(({ number, typing }) => typing && number !== own).map(({ name }) => name);
  if (names.length === 0) return '';
  if (names.length > 3) return 'Several people are writing…';
  return `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} writing…`;
}

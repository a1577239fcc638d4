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
  const isModerator = moderates(people, own);
  const focused = list.querySelector<HTMLElement>(':focus')?.dataset.act;
  const rows = people.sort((a, b) => a.number - b.number).map((person) => {
    const row = document.createElement('li');
    row.dataset.person = String(person.number);
    const name = button('person', person, person.name, () => wishes.tell(person));
    name.disabled = person.number === own;
    if (!name.disabled) name.title = `Say something to ${person.name} alone`;
    row.append(name);
    const marks = [person.number === own && 'you', person.moderator && 'moderator', person.muted && 'muted'];
    const mark = document.createElement('span');
    mark.className = 'mark';
    mark.textContent = marks.filter(Boolean).join(', ');
    row.append(mark);
    if (isModerator && person.number !== own) {
      row.append(
        button('act mute', person, person.muted ? 'Unmute' : 'Mute', () => wishes.mute(person, person.muted ? 0 : MUTE_MINUTES)),
        button('act kick', person, 'Kick', () => wishes.kick(person)),
      );
    }
    return row;
  });
  list.replaceChildren(...rows);
  // The button that was being used is another element now.
  if (focused) list.querySelector<HTMLElement>(`[data-act="${focused}"]`)?.focus();
}

function moderates(people: Entity[], own: number): boolean {
  return people.some(({ number, moderator }) => number === own && moderator);
}

/** What may be done with the list. */
export function hintText(people: Entity[], own: number): string {
  if (people.length < 2) return 'Nobody else is here. Send somebody this page’s address.';
  const tell = 'Choose a name to talk to that person alone.';
  return moderates(people, own) ? `${tell} You are a moderator: you may mute for ${MUTE_MINUTES} minutes, and kick.` : tell;
}

function button(kind: string, { name, number }: Entity, text: string, click: () => void): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = kind;
  element.dataset.act = `${kind} ${number}`;
  element.textContent = text;
  if (text !== name) element.setAttribute('aria-label', `${text} ${name}`);
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

/** What was drawn when, for the debug handle: places by picture, and how soon a key was answered. */
import type { Actor } from './actors.ts';
import { isWalkKey } from './steering.ts';

/** Where everybody was in one picture. */
export interface Picture {
  /** As `requestAnimationFrame` told it. */
  at: number;
  own: { x: number; y: number } | null;
  /** All who can move, without the own avatar. */
  others: { id: number; x: number; y: number }[];
}

/** How soon a key was answered. */
export interface Answer {
  key: string;
  /** Pictures that were drawn since, the one with the change among them; null while there is none. */
  pictures: number | null;
  ms: number | null;
}

const PICTURES_MAX = 1_200;
const ERRORS_MAX = 50;

export class Recorder {
  readonly pictures: Picture[] = [];
  readonly errors: string[] = [];
  answer: Answer | null = null;
  private records = false;
  private own: { x: number; y: number } | null = null;
  /** The key that is not answered yet. */
  private asked: { at: number; x: number; y: number; pictures: number } | null = null;

  constructor() {
    // Before the page's own listener acts upon the key.
    addEventListener('keydown', (event) => this.handleKey(event), { capture: true });
    addEventListener('error', ({ message }) => this.note(message));
    addEventListener('unhandledrejection', ({ reason }) => this.note(String(reason)));
  }

  record(): void {
    this.records = true;
    this.pictures.length = 0;
  }

  handlePicture(at: number, actors: readonly Actor[], own: number | null): void {
    const self = actors.find(({ id }) => id === own);
    this.own = self ? { x: self.x, y: self.y } : null;
    this.measure(performance.now());
    if (!this.records) return;
    const others = actors.filter(({ id, kind }) => id !== own && kind !== 'Flower');
    this.pictures.push({ at, own: this.own, others: others.map(({ id, x, y }) => ({ id, x, y })) });
    if (this.pictures.length > PICTURES_MAX) this.pictures.shift();
  }

  private handleKey({ code, repeat, timeStamp }: KeyboardEvent): void {
    if (repeat || !isWalkKey(code) || !this.own) return;
    this.asked = { at: timeStamp, ...this.own, pictures: 0 };
    this.answer = { key: code, pictures: null, ms: null };
  }

  private measure(now: number): void {
    const { asked, answer, own } = this;
    if (!asked || !answer || !own) return;
    asked.pictures += 1;
    if (own.x === asked.x && own.y === asked.y) return;
    answer.pictures = asked.pictures;
    answer.ms = now - asked.at;
    this.asked = null;
  }

  private note(text: string): void {
    if (this.errors.length < ERRORS_MAX) this.errors.push(text);
  }
}

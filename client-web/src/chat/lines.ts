/**
 * The lines on the page. In: the entries of the view, and asides that only this page remembers.
 * Out: elements, whose text is only ever set as text.
 */
import type { Entity } from '../games/chat.ts';

/** Asides that stay: who came and went, and words for one alone. */
const ASIDES_MAX = 100;

/** A line on the page, and what it says: entries of the view are changed in place. */
interface Shown extends Pick<Entity, 'name' | 'text' | 'at_s'> {
  element: HTMLLIElement;
}

export class Lines {
  private readonly shown = new Map<number, Shown>();
  private asides: HTMLLIElement[] = [];
  /** The newest line is being read, and not those further up. */
  private follows = true;
  private readonly list: HTMLOListElement;

  constructor(list: HTMLOListElement) {
    this.list = list;
    list.onscroll = () => (this.follows = this.isAtEnd());
    // What appears beneath takes its space from the list.
    new ResizeObserver(() => this.follow()).observe(list);
  }

  /** Shows these lines, and no others. */
  update(lines: Entity[]): void {
    const present = new Map(lines.map((line) => [line.number, line]));
    for (const [number, { element, name, text, at_s }] of this.shown) {
      const line = present.get(number);
      // A room that opens anew gives the same numbers to other lines.
      if (line?.name !== name || line.text !== text || (at_s !== 0 && line.at_s !== at_s)) {
        element.remove();
        this.shown.delete(number);
      }
    }
    for (const line of lines.sort((a, b) => a.number - b.number)) this.show(line);
    this.follow();
  }

  /** Something beside the lines. */
  aside(text: string, kind: 'aside' | 'direct', from = ''): void {
    const element = row(kind, from, text);
    this.list.append(element);
    this.asides.push(element);
    if (this.asides.length > ASIDES_MAX) this.asides.shift()!.remove();
    this.follow();
  }

  clear(): void {
    this.list.replaceChildren();
    this.shown.clear();
    this.asides = [];
    this.follows = true;
  }

  private show(line: Entity): void {
    const { number, name, text } = line;
    let shown = this.shown.get(number);
    if (!shown) {
      shown = { element: row(name === '' ? 'aside' : 'line', name, text), name, text, at_s: 0 };
      this.insert(shown.element, number);
      this.shown.set(number, shown);
    }
    if (shown.at_s === line.at_s) return;
    shown.at_s = line.at_s;
    shown.element.append(time(line.at_s));
  }

  /** Before the first line that is newer: the history may come last. */
  private insert(element: HTMLLIElement, number: number): void {
    let next: number | undefined;
    for (const other of this.shown.keys()) {
      if (other > number && (next === undefined || other < next)) next = other;
    }
    this.list.insertBefore(element, next === undefined ? null : this.shown.get(next)!.element);
  }

  private follow(): void {
    if (this.follows) this.list.scrollTop = this.list.scrollHeight;
  }

  private isAtEnd(): boolean {
    const { scrollTop, clientHeight, scrollHeight } = this.list;
    return scrollTop + clientHeight >= scrollHeight - 40;
  }
}

function row(kind: string, name: string, text: string): HTMLLIElement {
  const element = document.createElement('li');
  element.className = kind;
  if (name !== '') {
    const by = span('name', name);
    by.style.setProperty('--hue', String(hue(name)));
    element.append(by);
  }
  element.append(span('text', text));
  return element;
}

/** A name keeps its colour wherever it is read. */
function hue(name: string): number {
  return [...name].reduce((sum, c) => (sum * 31 + c.codePointAt(0)!) % 360, 0);
}

function span(kind: string, text: string): HTMLSpanElement {
  const element = document.createElement('span');
  element.className = kind;
  element.textContent = text;
  return element;
}

function time(atS: number): HTMLTimeElement {
  const at = new Date(atS * 1000);
  const element = document.createElement('time');
  element.dateTime = at.toISOString();
  element.textContent = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return element;
}

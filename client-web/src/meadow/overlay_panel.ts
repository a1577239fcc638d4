/** The overlay's button and its figures: what became of the questions to the job pool. */
import type { JobsShown } from '../games/meadow.ts';
import { element } from './hud.ts';

type Figure = Exclude<keyof JobsShown, 'waiting'>;

const ROWS: readonly (readonly [figure: Figure, label: string, hint: string])[] = [
  ['in_flight', 'In flight', 'Jobs that were asked and are not due yet'],
  ['asked', 'Asked', 'Jobs since the room opened'],
  ['done', 'Done', 'Jobs that were answered'],
  ['rejected', 'Refused', 'Jobs that found the pool full; they are asked again'],
  ['cancelled', 'Cancelled', 'Jobs that nobody waited for any more'],
  ['fields', 'Fields', 'Maps of distances that many follow to one place'],
  ['expansions', 'Expansions', 'Squares that the searches have looked at'],
];
/** A number that changes with every picture cannot be read. */
const EVERY_MS = 250;

export class OverlayPanel {
  private readonly figures = new Map<Figure, HTMLElement>();
  private shownAt = -Infinity;

  constructor(toggle: () => void) {
    for (const [figure, label, hint] of ROWS) {
      const term = document.createElement('dt');
      term.textContent = label;
      term.title = hint;
      const value = document.createElement('dd');
      value.textContent = '–';
      this.figures.set(figure, value);
      element('jobs-figures').append(term, value);
    }
    element('overlay-toggle').onclick = toggle;
  }

  /** Shows or hides it all. */
  show(on: boolean): void {
    element('overlay-toggle').ariaPressed = String(on);
    element('jobs').hidden = !on;
    this.shownAt = -Infinity;
  }

  handlePicture(jobs: JobsShown | null, now: number): void {
    if (element('jobs').hidden || !jobs || now - this.shownAt < EVERY_MS) return;
    this.shownAt = now;
    for (const [figure, value] of this.figures) value.textContent = written(jobs[figure]);
  }
}

/** In full as long as it fits beside its label. */
function written(figure: number): string {
  if (figure < 100_000) return figure.toLocaleString('en');
  return figure.toLocaleString('en', { notation: 'compact', maximumSignificantDigits: 4 });
}

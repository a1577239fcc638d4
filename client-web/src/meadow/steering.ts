/**
 * What the player wants, from keys, mouse and touch.
 *
 * In: events of the page. Out: directions that are held, places to go to, emotes, what to
 * show. A direction is
 * said when it changes, and holds until the next one.
 */

export interface Wishes {
  /** The direction that is held from now on, each part from -127 to 127; (0, 0) is none. */
  walk(dx: number, dy: number): void;
  /** CSS pixels on the canvas. */
  goto(px: number, py: number): void;
  emote(emote: number): void;
  escape(): void;
  /** Shows or hides what the path finding does. */
  overlay(): void;
  /** The stick under a thumb: where it stands and how far it is pushed; null when it is let go. */
  stick(at: { x: number; y: number; dx: number; dy: number } | null): void;
}

const KEYS: Record<string, readonly [number, number]> = {
  ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0],
  KeyW: [0, -1], KeyS: [0, 1], KeyA: [-1, 0], KeyD: [1, 0],
};
/** Whether holding the key walks. */
export function isWalkKey(code: string): boolean {
  return code in KEYS;
}

/** A finger trembles; less than this is a tap. */
const DRAG_PX = 14;
const STICK_PX = 52;
/** Full speed on the wire. */
const FULL = 127;
/** While the mouse is held, the goal follows it this often. */
const GOTO_MS = 200;

export class Steering {
  enabled = false;
  private readonly wishes: Wishes;
  private readonly held = new Set<string>();
  private said = { dx: 0, dy: 0 };
  private stick: { id: number; x: number; y: number; dx: number; dy: number; steers: boolean; touch: boolean } | null = null;
  private gotoAt = 0;

  constructor(canvas: HTMLCanvasElement, wishes: Wishes) {
    this.wishes = wishes;
    addEventListener('keydown', (event) => this.handleKey(event));
    addEventListener('keyup', (event) => {
      if (this.held.delete(event.code)) this.update();
    });
    addEventListener('blur', () => this.release());
    document.addEventListener('visibilitychange', () => document.hidden && this.release());
    canvas.addEventListener('pointerdown', (event) => this.handleDown(canvas, event));
    canvas.addEventListener('pointermove', (event) => this.handleMove(event));
    canvas.addEventListener('pointerup', (event) => this.handleUp(event));
    canvas.addEventListener('pointercancel', () => this.release());
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  release(): void {
    this.held.clear();
    this.stick = null;
    this.wishes.stick(null);
    this.update();
  }

  private handleKey(event: KeyboardEvent): void {
    if (!this.enabled || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement) return;
    const digit = /^(?:Digit|Numpad)([1-4])$/.exec(event.code);
    if (event.code in KEYS) {
      event.preventDefault();
      if (event.repeat) return;
      this.held.add(event.code);
      this.update();
    } else if (digit && !event.repeat) this.wishes.emote(Number(digit[1]) - 1);
    else if (event.code === 'KeyG' && !event.repeat) this.wishes.overlay();
    else if (event.code === 'Escape') this.wishes.escape();
  }

  private handleDown(canvas: HTMLCanvasElement, event: PointerEvent): void {
    if (!this.enabled || event.button !== 0 || this.stick) return;
    canvas.setPointerCapture(event.pointerId);
    const touch = event.pointerType !== 'mouse';
    this.stick = { id: event.pointerId, x: event.clientX, y: event.clientY, dx: 0, dy: 0, steers: false, touch };
    if (!touch) this.wishes.goto(event.clientX, event.clientY);
    this.gotoAt = event.timeStamp;
  }

  private handleMove(event: PointerEvent): void {
    const { stick } = this;
    if (!stick || stick.id !== event.pointerId) return;
    const dx = event.clientX - stick.x;
    const dy = event.clientY - stick.y;
    const far = Math.hypot(dx, dy);
    if (!stick.touch) {
      if (far < DRAG_PX || event.timeStamp - this.gotoAt < GOTO_MS) return;
      this.gotoAt = event.timeStamp;
      this.wishes.goto(event.clientX, event.clientY);
      return;
    }
    if (far < DRAG_PX && !stick.steers) return;
    stick.steers = true;
    const reach = Math.min(1, far / STICK_PX) / (far || 1);
    stick.dx = dx * reach;
    stick.dy = dy * reach;
    this.wishes.stick({ x: stick.x, y: stick.y, dx: stick.dx * STICK_PX, dy: stick.dy * STICK_PX });
    this.update();
  }

  private handleUp(event: PointerEvent): void {
    const { stick } = this;
    if (!stick || stick.id !== event.pointerId) return;
    this.stick = null;
    if (!stick.touch) return;
    if (stick.steers) {
      this.wishes.stick(null);
      this.update();
    } else this.wishes.goto(event.clientX, event.clientY);
  }

  private direction(): [number, number] {
    if (this.stick?.steers) return [this.stick.dx, this.stick.dy];
    let [x, y] = [0, 0];
    for (const code of this.held) {
      x += KEYS[code]![0];
      y += KEYS[code]![1];
    }
    // Both arrows and WASD may be down; a diagonal is no faster than a straight line.
    x = Math.sign(x);
    y = Math.sign(y);
    const length = Math.hypot(x, y) || 1;
    return [x / length, y / length];
  }

  /** Says the direction if it is another one now. */
  private update(): void {
    const [x, y] = this.direction();
    const said = { dx: Math.round(x * FULL), dy: Math.round(y * FULL) };
    if (said.dx === this.said.dx && said.dy === this.said.dy) return;
    this.said = said;
    this.wishes.walk(said.dx, said.dy);
  }
}

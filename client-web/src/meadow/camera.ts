/** What part of the map is on the screen. Units: metres, and CSS pixels where the name says so. */

const FOLLOW_PER_SECOND = 7;
/** Farther than this it cuts instead of flying. */
const CUT_M = 14;

export class Camera {
  /** The middle of the picture. */
  x = 0;
  y = 0;
  widthPx = 1;
  heightPx = 1;
  /** Device pixels per CSS pixel. */
  ratio = 1;
  /** CSS pixels per metre. */
  scale = 48;
  private placed = false;

  resize(widthPx: number, heightPx: number, ratio: number): void {
    this.widthPx = widthPx;
    this.heightPx = heightPx;
    this.ratio = ratio;
    const wanted = Math.min(72, Math.max(38, Math.sqrt(widthPx * heightPx) / 20));
    // A whole number of device pixels per metre lets the ground's squares meet without a seam.
    this.scale = Math.round(wanted * ratio) / ratio;
  }

  get widthM(): number {
    return this.widthPx / this.scale;
  }

  get heightM(): number {
    return this.heightPx / this.scale;
  }

  follow(x: number, y: number, elapsed: number, mapWidth: number, mapHeight: number): void {
    const share = !this.placed || Math.hypot(x - this.x, y - this.y) > CUT_M ? 1 : 1 - Math.exp(-elapsed * FOLLOW_PER_SECOND);
    this.placed = true;
    this.x = within(this.x + (x - this.x) * share, this.widthM, mapWidth);
    this.y = within(this.y + (y - this.y) * share, this.heightM, mapHeight);
  }

  /** The upper left corner, on a whole device pixel. */
  get left(): number {
    return this.snapped(this.x - this.widthM / 2);
  }

  get top(): number {
    return this.snapped(this.y - this.heightM / 2);
  }

  toScreen(x: number, y: number): { x: number; y: number } {
    return { x: (x - this.left) * this.scale, y: (y - this.top) * this.scale };
  }

  toWorld(px: number, py: number): { x: number; y: number } {
    return { x: px / this.scale + this.left, y: py / this.scale + this.top };
  }

  private snapped(metres: number): number {
    const perMetre = this.scale * this.ratio;
    return Math.round(metres * perMetre) / perMetre;
  }
}

function within(middle: number, view: number, map: number): number {
  return view >= map ? map / 2 : Math.min(map - view / 2, Math.max(view / 2, middle));
}

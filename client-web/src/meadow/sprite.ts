/** Shapes that cost many strokes, painted once and drawn as pictures ever after. */

/** Enough for a phone's sharp screen. Units: pixels per metre. */
const SPRITE_PX = 96;
/** How far a sprite reaches below the point where it stands. Units: metres. */
const FOOT_M = 0.2;

/** Paints around the point where the thing stands; up is negative. Units: metres. */
export function sprite(width: number, height: number, paint: (ctx: CanvasRenderingContext2D) => void): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width * SPRITE_PX;
  canvas.height = height * SPRITE_PX;
  const ctx = canvas.getContext('2d')!;
  ctx.setTransform(SPRITE_PX, 0, 0, SPRITE_PX, (width / 2) * SPRITE_PX, (height - FOOT_M) * SPRITE_PX);
  ctx.lineCap = ctx.lineJoin = 'round';
  paint(ctx);
  return canvas;
}

/** Draws a sprite so that it stands at a point. */
export function drawSprite(ctx: CanvasRenderingContext2D, picture: HTMLCanvasElement, x = 0, y = 0): void {
  const width = picture.width / SPRITE_PX;
  const height = picture.height / SPRITE_PX;
  ctx.drawImage(picture, x - width / 2, y + FOOT_M - height, width, height);
}

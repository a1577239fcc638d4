/** Shadows of clouds that drift over the land. */

const SIZE_M = 16;
/** Clouds are laid out on squares this wide, one in each. */
const APART_M = 34;
let sprite: HTMLCanvasElement | undefined;

function cloud(): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 256;
  const ctx = canvas.getContext('2d')!;
  for (const [x, y, r] of [[100, 130, 84], [150, 120, 88], [130, 150, 72], [180, 145, 60], [76, 150, 58]] as const) {
    const soft = ctx.createRadialGradient(x, y, r * 0.3, x, y, r);
    soft.addColorStop(0, 'rgba(20, 50, 70, 0.09)');
    soft.addColorStop(1, 'rgba(20, 50, 70, 0)');
    ctx.fillStyle = soft;
    ctx.fillRect(0, 0, 256, 256);
  }
  return canvas;
}

export function drawClouds(ctx: CanvasRenderingContext2D, left: number, top: number, right: number, bottom: number, seconds: number): void {
  sprite ??= cloud();
  const drift = seconds * 0.7;
  for (let row = Math.floor((top - SIZE_M) / APART_M); row * APART_M < bottom; row++) {
    const shift = drift + (row % 2) * (APART_M / 2);
    for (let column = Math.floor((left - SIZE_M - shift) / APART_M); column * APART_M + shift < right; column++) {
      ctx.drawImage(sprite, column * APART_M + shift, row * APART_M + 6, SIZE_M * 1.5, SIZE_M);
    }
  }
}

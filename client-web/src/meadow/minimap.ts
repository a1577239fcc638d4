/** The whole meadow in a corner: one pixel per tile, which gates are shut, and who is where. */
import type { Actor } from './actors.ts';
import type { Camera } from './camera.ts';
import type { Gate } from '../games/meadow.ts';
import { Tile, type TileMap } from './map.ts';
import { GOLD, hueColour } from './palette.ts';

const COLOURS: Record<number, readonly [number, number, number]> = {
  [Tile.Grass]: [154, 206, 84], [Tile.TallGrass]: [118, 178, 66], [Tile.Path]: [220, 191, 142], [Tile.Water]: [74, 170, 214],
  [Tile.Tree]: [62, 124, 62], [Tile.Sand]: [239, 220, 166], [Tile.Bridge]: [164, 116, 70],
  [Tile.Fence]: [120, 84, 52],
};

export class Minimap {
  private readonly canvas: HTMLCanvasElement;
  private ground: HTMLCanvasElement | null = null;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
  }

  replaceMap(map: TileMap): void {
    const ground = document.createElement('canvas');
    ground.width = map.width;
    ground.height = map.height;
    const ctx = ground.getContext('2d')!;
    const image = ctx.createImageData(map.width, map.height);
    map.tiles.forEach((tile, i) => {
      const [r, g, b] = COLOURS[tile] ?? COLOURS[Tile.Grass]!;
      image.data.set([r, g, b, 255], i * 4);
    });
    ctx.putImageData(image, 0, 0);
    this.ground = ground;
  }

  draw(map: TileMap, camera: Camera, actors: readonly Actor[], own: number | null, gates: readonly Gate[]): void {
    const side = this.canvas.clientWidth - 2 * parseFloat(getComputedStyle(this.canvas).paddingLeft);
    if (!this.ground || side <= 0) return;
    const pixels = Math.round(side * camera.ratio);
    if (this.canvas.width !== pixels) this.canvas.width = this.canvas.height = pixels;
    const ctx = this.canvas.getContext('2d')!;
    const perMetre = pixels / Math.max(map.width, map.height);
    ctx.clearRect(0, 0, pixels, pixels);
    ctx.save();
    ctx.beginPath();
    ctx.roundRect(0, 0, map.width * perMetre, map.height * perMetre, 11 * camera.ratio);
    ctx.clip();
    ctx.drawImage(this.ground, 0, 0, map.width * perMetre, map.height * perMetre);
    for (const { x, y, width, height, open } of gates) {
      ctx.fillStyle = open ? '#f3e2b6' : '#c8443a';
      ctx.fillRect(x * perMetre, y * perMetre, width * perMetre, height * perMetre);
    }
    const dot = (x: number, y: number, r: number, colour: string) => {
      ctx.fillStyle = colour;
      ctx.beginPath();
      ctx.arc(x * perMetre, y * perMetre, r * camera.ratio, 0, Math.PI * 2);
      ctx.fill();
    };
    for (const { kind, x, y, hue } of actors) if (kind === 'Flower') dot(x, y, 1.1, hueColour(hue, 90, 72));
    for (const { kind, x, y } of actors) if (kind === 'Sheep') dot(x, y, 1.4, '#fffaf0');
    for (const { kind, x, y } of actors) if (kind === 'Wolf') dot(x, y, 1.9, '#3d434d');
    ctx.strokeStyle = 'rgba(255, 255, 255, 0.85)';
    ctx.lineWidth = 1.3 * camera.ratio;
    ctx.strokeRect(camera.left * perMetre, camera.top * perMetre, camera.widthM * perMetre, camera.heightM * perMetre);
    for (const { id, kind, x, y, hue } of actors) {
      if (kind !== 'Player') continue;
      dot(x, y, id === own ? 4.2 : 3.2, id === own ? '#22382b' : '#ffffff');
      dot(x, y, id === own ? 3 : 2.2, id === own ? GOLD : hueColour(hue, 70, 50));
    }
    ctx.restore();
  }
}

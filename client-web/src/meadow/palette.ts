/** The colours of the meadow, in one place so that they stay one family. */

export const GRASS = '#8cc63f';
export const GRASS_LIGHT = '#a4d65a';
export const GRASS_DARK = '#6fae34';
export const GRASS_DEEP = '#4f8f32';
export const SAND = '#efdca6';
export const SAND_DARK = '#d9bf82';
export const PATH = '#dcbf8e';
export const PATH_DARK = '#b9976a';
export const WATER = '#3fa7d6';
export const WATER_DEEP = '#2f8fc4';
export const WATER_SHALLOW = '#7fd0e0';
export const BANK = '#8a6b45';
export const PLANK = '#b98a58';
export const PLANK_DARK = '#7d5a38';
export const INK = '#22382b';
export const SHADOW = 'rgba(24, 52, 38, 0.26)';
export const GOLD = '#ffd76a';

/** A colour from 1/256 of the colour circle. */
export function hueColour(hue: number, saturation = 68, lightness = 58, alpha = 1): string {
  return `hsl(${(hue / 256) * 360} ${saturation}% ${lightness}% / ${alpha})`;
}

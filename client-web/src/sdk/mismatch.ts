/**
 * A page that was built for other types than the server's: it is reloaded once, and never in a loop.
 *
 * In: a close with 4009, and successful welcomes. Out: a reload, or the word that it would not help.
 * The mark is in the tab's storage, by game; where storage is forbidden nothing is reloaded.
 */

export const MISMATCH_CODE = 4009;

/** What the state `closed` says, since the server's own words mean nothing to a player. */
export const MISMATCH_TEXT = 'this page was built for other types than the server has; reload it, or rebuild it with the types of this server';

const key = (game: string) => `downbeat.reloaded.${game}`;

/** Reloads the page if that has not been tried since the last welcome; returns whether it does. */
export function reloadOnce(game: string): boolean {
  try {
    if (sessionStorage.getItem(key(game)) !== null) return false;
    sessionStorage.setItem(key(game), '1');
    // Without the mark there would be a loop.
    if (sessionStorage.getItem(key(game)) === null) return false;
    location.reload();
    return true;
  } catch {
    return false;
  }
}

/** The types agree: the next mismatch may reload again. */
export function forgetReload(game: string): void {
  try {
    sessionStorage.removeItem(key(game));
  } catch {
    // Where there is no storage there is no mark.
  }
}

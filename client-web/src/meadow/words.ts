/** What the connection's states and closes mean, in words for a person. */
import type { ConnectionState } from '../sdk/index.ts';

/** One short line for the pill. */
export function pillText(state: ConnectionState): string {
  switch (state.type) {
    case 'idle': return 'Not connected';
    case 'connecting': return 'Connecting…';
    case 'open': return 'Connected';
    case 'closed': return 'Disconnected';
    case 'reconnecting': {
      if (state.code === 1001) return 'The server restarts, reconnecting…';
      const again = state.attempt > 1 ? ` (try ${state.attempt})` : '';
      return `Connection lost, reconnecting…${again}`;
    }
  }
}

export interface Notice {
  title: string;
  text: string;
  action: 'Try again' | 'Reload the page' | 'Enter again';
}

/** What to say when the conversation is over for good. */
export function noticeOf(code: number, reason: string): Notice {
  switch (code) {
    case 1000: return { title: 'See you!', text: 'You have left the meadow.', action: 'Enter again' };
    case 4001: return { title: 'You are in elsewhere', text: 'The same player joined from another window.', action: 'Enter again' };
    case 4003: return { title: 'Not let in', text: reason ? `The meadow says: ${reason}` : 'The meadow did not let you in.', action: 'Try again' };
    case 4004: return { title: 'The meadow has closed', text: 'This room is over.', action: 'Try again' };
    case 1007:
    case 4009: return { title: 'This page is out of date', text: 'It was built for another version of the server.', action: 'Reload the page' };
    default: return { title: 'Disconnected', text: reason || `The connection was closed (${code}).`, action: 'Try again' };
  }
}

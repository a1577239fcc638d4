/** The one thing a client needs of a socket, so that tests can bring their own. */
import { SUBPROTOCOL } from './protocol.ts';

export interface TransportEvents {
  open(): void;
  message(bytes: Uint8Array): void;
  /** Comes exactly once, also when it never opened. */
  close(code: number, reason: string): void;
}

export interface Transport {
  send(bytes: Uint8Array): void;
  close(code: number, reason: string): void;
}

/** `credential` is what to show in the handshake, like `ticket.…`; null for nothing. */
export type OpenTransport = (url: string, events: TransportEvents, credential: string | null) => Transport;

export const openWebSocket: OpenTransport = (url, events, credential) => {
  // The one header of a handshake that a page can write; never the URL, which is logged everywhere.
  const socket = new WebSocket(url, credential === null ? SUBPROTOCOL : [SUBPROTOCOL, credential]);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => events.open();
  socket.onmessage = ({ data }) => {
    // Text never comes from a server of this protocol; empty bytes are refused by the decoder.
    events.message(data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array());
  };
  socket.onclose = ({ code, reason }) => events.close(code, reason);
  return {
    send: (bytes) => socket.send(bytes as Uint8Array<ArrayBuffer>),
    close: (code, reason) => socket.close(code, reason),
  };
};

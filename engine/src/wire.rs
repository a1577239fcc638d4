//! The messages of the protocol: what they are and how they look.
//!
//! In and out: values and bytes. Source: PROTOCOL.md. Frames are put together by `frame` and read
//! by `client`; here are only their header and the tags of their sections.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError, Decoder, Encoder};
use crate::game::Seat;
use crate::grid::Space;
use crate::limits::CLOSE_REASON_BYTES_MAX;
use crate::tick::Tick;

/// The subprotocol that client and server must agree on.
pub const SUBPROTOCOL: &str = "downbeat.v1";

/// What a client sends; `I` is the game's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClientMessage<I> {
    /// The first message, and only the first.
    Hello {
        /// What the player wants to be called.
        name: String,
        /// The hash of the game's types, as this client was built for them.
        schema: u32,
    },
    /// The player asks for something.
    Input {
        /// Grows by one with each input, from 1.
        seq: u32,
        /// The newest tick received.
        seen: Tick,
        /// How far the picture that the player acts on lags behind that. Units: 1/4 tick.
        behind: u8,
        /// What the player asks for.
        input: I,
    },
    /// Echo of a client that has nothing else to say.
    Seen {
        /// The newest tick received.
        seen: Tick,
    },
    /// Asks for a [`Pong`].
    Ping {
        /// The newest tick received.
        seen: Tick,
        /// Comes back in the answer.
        token: u32,
    },
}

/// The first byte of a server's message; a frame's has its highest bit set.
pub(crate) mod tag {
    pub(crate) const WELCOME: u8 = 0;
    pub(crate) const PONG: u8 = 2;
    pub(crate) const FRAME: u8 = 1 << 7;
}

/// The first byte of a section of a frame.
pub(crate) mod section {
    pub(crate) const REFUSED: u8 = 1;
    pub(crate) const SEAT: u8 = 2;
    pub(crate) const PRIVATE: u8 = 3;
    pub(crate) const OWN: u8 = 4;
    pub(crate) const EVENTS: u8 = 5;
    pub(crate) const SHARED: u8 = 6;
    pub(crate) const VIEW: u8 = 7;
    pub(crate) const CELLS: u8 = 8;
}

/// The first message to a member.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The member's number in this room.
    pub player: u32,
    /// Where it sits.
    pub seat: Seat<u32>,
    /// The room's tick.
    pub tick: Tick,
    /// Steps per second.
    pub tick_rate_hz: u16,
    /// How much of the room its members see.
    pub space: Space,
    /// The game's name.
    pub game: String,
    /// The room's name.
    pub room: String,
    /// The player's name as accepted.
    pub name: String,
    /// The newest input of this member that the server has taken in; 0 for a new one.
    pub taken: u32,
    /// What the next connection shows to go on with this session; empty where it cannot.
    pub resume: String,
}

/// Without the token: a welcome may be logged.
impl fmt::Debug for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Welcome")
            .field("player", &self.player)
            .field("seat", &self.seat)
            .field("tick", &self.tick)
            .field("game", &self.game)
            .field("room", &self.room)
            .field("name", &self.name)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl Welcome {
    /// What acknowledgements count from on this connection: the first names a number that follows
    /// this one by less than 65,536, and what still waits is older than `taken`.
    pub const fn acked(&self) -> u32 {
        self.taken.saturating_sub(1 << 15)
    }

    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![tag::WELCOME];
        Encoder::new(&mut out).value(self);
        out
    }
}

/// The answer to [`ClientMessage::Ping`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The token of the ping.
    pub token: u32,
    /// The room's tick.
    pub tick: Tick,
}

impl Pong {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![tag::PONG];
        Encoder::new(&mut out).value(self);
        out
    }
}

/// What stands before the sections of a frame; each member has its own.
///
/// Numbers are whole here and travel as their low halves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameHeader {
    /// A keyframe starts here.
    pub reset: bool,
    /// Another message of this tick follows.
    pub more: bool,
    /// The room's tick.
    pub tick: Tick,
    /// Frames that were due to this member so far.
    pub due: u32,
    /// The newest input that was applied or refused, if that is news.
    pub ack: Option<Ack>,
}

/// What became of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ack {
    /// Its number.
    pub seq: u32,
    /// How long it lay on the server before it was answered; 255 is that or more.
    pub lead_ms: u8,
}

impl FrameHeader {
    const RESET: u8 = 1;
    const MORE: u8 = 1 << 1;
    const ACK: u8 = 1 << 2;

    /// Appends the message's first byte and the header.
    pub fn encode(&self, out: &mut impl Extend<u8>) {
        let flags = (u8::from(self.reset) * Self::RESET)
            | (u8::from(self.more) * Self::MORE)
            | (u8::from(self.ack.is_some()) * Self::ACK);
        let [t0, t1, ..] = self.tick.number().to_le_bytes();
        let [d0, d1, ..] = self.due.to_le_bytes();
        out.extend([tag::FRAME | flags, t0, t1, d0, d1]);
        if let Some(ack) = self.ack {
            let [s0, s1, ..] = ack.seq.to_le_bytes();
            out.extend([s0, s1, ack.lead_ms]);
        }
    }

    /// Reads a header, whose first byte was `flags`, after `last`.
    ///
    /// # Errors
    /// If it is cut off, or has unknown flags.
    pub fn decode(flags: u8, last: &Self, input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let flags = flags & !tag::FRAME;
        if flags & !(Self::RESET | Self::MORE | Self::ACK) != 0 {
            return Err(input.bad(format!("unknown frame flags {flags:#04x}")));
        }
        let half = |input: &mut Decoder<'_>| Ok(u16::from_le_bytes([input.byte()?, input.byte()?]));
        let whole = |last: u32, low: u16| {
            let [l0, l1, ..] = last.to_le_bytes();
            last.wrapping_add(u32::from(low.wrapping_sub(u16::from_le_bytes([l0, l1]))))
        };
        let tick = Tick::new(whole(last.tick.number(), half(input)?));
        let due = whole(last.due, half(input)?);
        let ack = if flags & Self::ACK == 0 {
            None
        } else {
            let acked = last.ack.unwrap_or_default().seq;
            Some(Ack {
                seq: whole(acked, half(input)?),
                lead_ms: input.byte()?,
            })
        };
        Ok(Self {
            reset: flags & Self::RESET != 0,
            more: flags & Self::MORE != 0,
            tick,
            due,
            ack,
        })
    }
}

/// Reads a client's message.
///
/// # Errors
/// If the bytes are anything but one whole message.
pub fn decode_client<I: crate::replicate::Data>(
    bytes: &[u8],
) -> Result<ClientMessage<I>, DecodeError> {
    codec::decode(bytes)
}

/// Why a conversation ends. Source: PROTOCOL.md § Close codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CloseCode {
    /// Either side is done.
    Normal,
    /// The server drains.
    GoingAway,
    /// The peer broke RFC 6455.
    Protocol,
    /// A message could not be decoded.
    BadData,
    /// Too many messages, or no hello in time.
    Policy,
    /// A message was too big.
    TooBig,
    /// The game panicked.
    RoomFailed,
    /// The same session connected again.
    Fenced,
    /// The game refused the join, or kicked the player.
    Refused,
    /// The game is over.
    RoomClosed,
    /// The peer does not keep up.
    TooSlow,
    /// The client was built for other types.
    Mismatch,
}

impl CloseCode {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Normal,
        Self::GoingAway,
        Self::Protocol,
        Self::BadData,
        Self::Policy,
        Self::TooBig,
        Self::RoomFailed,
        Self::Fenced,
        Self::Refused,
        Self::RoomClosed,
        Self::TooSlow,
        Self::Mismatch,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::Protocol => 1002,
            Self::BadData => 1007,
            Self::Policy => 1008,
            Self::TooBig => 1009,
            Self::RoomFailed => 1011,
            Self::Fenced => 4001,
            Self::Refused => 4003,
            Self::RoomClosed => 4004,
            Self::TooSlow => 4008,
            Self::Mismatch => 4009,
        }
    }

    /// The reason that goes with it where nothing more is known.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "bye",
            Self::GoingAway => "server is going away",
            Self::Protocol => "websocket protocol error",
            Self::BadData => "message could not be decoded",
            Self::Policy => "too many messages",
            Self::TooBig => "message too big",
            Self::RoomFailed => "room failed",
            Self::Fenced => "fenced by a newer connection",
            Self::Refused => "refused",
            Self::RoomClosed => "room closed",
            Self::TooSlow => "too slow",
            Self::Mismatch => "protocol mismatch",
        }
    }
}

/// A close code with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// Why.
    pub code: CloseCode,
    /// In words; at most 123 bytes.
    pub reason: &'static str,
}

impl Close {
    /// A code with a reason of one's own.
    ///
    /// # Panics
    /// If the reason does not fit a close frame.
    pub const fn with_reason(code: CloseCode, reason: &'static str) -> Self {
        assert!(
            reason.len() <= CLOSE_REASON_BYTES_MAX,
            "a close reason has at most 123 bytes"
        );
        Self { code, reason }
    }
}

impl From<CloseCode> for Close {
    fn from(code: CloseCode) -> Self {
        Self::with_reason(code, code.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_looks_as_the_protocol_says() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        enum Input {
            Walk { dx: i8, dy: i8 },
        }
        let message = ClientMessage::Input {
            seq: 1,
            seen: Tick::new(300),
            behind: 8,
            input: Input::Walk { dx: 127, dy: 0 },
        };
        let bytes = [0x01, 0x01, 0xfb, 0x2c, 0x01, 0x08, 0x00, 0x7f, 0x00];
        assert_eq!(codec::encode(&message), bytes);
        assert_eq!(decode_client::<Input>(&bytes), Ok(message));
    }

    #[test]
    fn a_welcome_in_a_log_tells_no_token() {
        let welcome = Welcome {
            player: 1,
            seat: Seat::Player,
            tick: Tick::new(1),
            tick_rate_hz: 20,
            space: Space::Whole,
            game: "probe".into(),
            room: "main".into(),
            name: "Ada".into(),
            taken: 7,
            resume: "s3cret".into(),
        };
        let text = format!("{welcome:?}");
        assert!(text.contains("Ada") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn a_frame_header_survives_the_way_there_and_back() {
        let last = FrameHeader {
            tick: Tick::new(65_530),
            due: 65_535,
            ack: Some(Ack {
                seq: 65_000,
                lead_ms: 0,
            }),
            ..FrameHeader::default()
        };
        let header = FrameHeader {
            reset: true,
            more: true,
            tick: Tick::new(70_000),
            due: 65_535,
            ack: Some(Ack {
                seq: 65_536,
                lead_ms: 20,
            }),
        };
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        let mut input = Decoder::new(&bytes[1..]);
        assert_eq!(FrameHeader::decode(bytes[0], &last, &mut input), Ok(header));
        assert_eq!(input.finish(), Ok(()));
    }

    #[test]
    fn the_list_of_close_codes_is_in_order() {
        for (at, code) in CloseCode::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, at);
            assert!(at == 0 || CloseCode::ALL[at - 1].number() < code.number());
        }
    }

    #[test]
    fn unknown_flags_are_refused() {
        let last = FrameHeader::default();
        assert!(FrameHeader::decode(0x88, &last, &mut Decoder::new(&[0; 4])).is_err());
    }
}

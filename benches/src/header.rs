//! The head of a frame, and the few varints that stand before and beside it, by hand: the bare
//! loop writes them, the driver reads nothing else. Source: PROTOCOL.md § Frame.

const FRAME: u8 = 0x80;
const MORE: u8 = 2;
const ACK: u8 = 4;

/// Index of `Input` among the client's messages.
const INPUT: u8 = 1;

/// What a frame begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) tick: u16,
    pub(crate) due: u16,
    /// The input's number, and for how many milliseconds it lay there.
    pub(crate) ack: Option<(u16, u8)>,
    /// Another message of this tick follows.
    pub(crate) more: bool,
}

impl Header {
    /// Reads it from the front of a message; `None` if that is no frame.
    pub(crate) fn parse(message: &[u8]) -> Option<Self> {
        let &[flags, t0, t1, d0, d1, ref rest @ ..] = message else {
            return None;
        };
        if flags < FRAME {
            return None;
        }
        let ack = match (flags & ACK, rest) {
            (0, _) => None,
            (_, &[a0, a1, lead, ..]) => Some((u16::from_le_bytes([a0, a1]), lead)),
            _ => return None,
        };
        Some(Self {
            tick: u16::from_le_bytes([t0, t1]),
            due: u16::from_le_bytes([d0, d1]),
            ack,
            more: flags & MORE != 0,
        })
    }

    /// How long it is.
    pub(crate) const fn length(&self) -> usize {
        if self.ack.is_some() { 8 } else { 5 }
    }

    /// Appends it.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let ack = if self.ack.is_some() { ACK } else { 0 };
        let more = if self.more { MORE } else { 0 };
        out.push(FRAME | ack | more);
        out.extend(self.tick.to_le_bytes());
        out.extend(self.due.to_le_bytes());
        if let Some((seq, lead)) = self.ack {
            out.extend(seq.to_le_bytes());
            out.push(lead);
        }
    }
}

/// The low half of a number.
pub(crate) const fn low_half(number: u32) -> u16 {
    let [a, b, ..] = number.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// The number that has this low half and follows `last` by less than 65,536.
pub(crate) const fn follow(last: u32, low: u16) -> u32 {
    last.wrapping_add(low.wrapping_sub(low_half(last)) as u32)
}

/// Takes a number of up to 32 bits from the front.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Option<u32> {
    let (&first, rest) = bytes.split_first()?;
    let (value, width) = match first {
        ..=250 => (u32::from(first), 0),
        251 => (u32::from(u16::from_le_bytes(*rest.first_chunk()?)), 2),
        252 => (u32::from_le_bytes(*rest.first_chunk()?), 4),
        _ => return None,
    };
    *bytes = &rest[width..];
    Some(value)
}

/// Appends a number.
pub(crate) fn put_varint(value: u32, out: &mut Vec<u8>) {
    match (u8::try_from(value), u16::try_from(value)) {
        (Ok(byte @ ..=250), _) => out.push(byte),
        (_, Ok(half)) => {
            out.push(251);
            out.extend(half.to_le_bytes());
        }
        _ => {
            out.push(252);
            out.extend(value.to_le_bytes());
        }
    }
}

/// The tick of a welcome; `None` if it is none.
pub(crate) fn welcome_tick(message: &[u8]) -> Option<u32> {
    let (0, mut rest) = message.split_first()? else {
        return None;
    };
    let _player = take_varint(&mut rest)?;
    if take_varint(&mut rest)? == 0 {
        let _entity = take_varint(&mut rest)?;
    }
    take_varint(&mut rest)
}

/// An input's number and what the game gets of it; `None` if it is another message.
pub(crate) fn take_input(message: &[u8]) -> Option<(u32, &[u8])> {
    let (&INPUT, mut rest) = message.split_first()? else {
        return None;
    };
    let seq = take_varint(&mut rest)?;
    let _seen = take_varint(&mut rest)?;
    let (_behind, input) = rest.split_first()?;
    Some((seq, input))
}

/// Appends an input up to what the game gets of it.
pub(crate) fn put_input(seq: u32, seen: u32, out: &mut Vec<u8>) {
    out.push(INPUT);
    put_varint(seq, out);
    put_varint(seen, out);
    out.push(8); // two ticks behind, as a client that draws smoothly is
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_of_the_protocols_example_is_read_and_written() {
        let bytes = [0x84, 0x2d, 0x01, 0x0c, 0x00, 0x01, 0x00, 0x14, 0x08, 0x18];
        let header = Header::parse(&bytes).expect("a frame");
        let expected = Header {
            tick: 301,
            due: 12,
            ack: Some((1, 20)),
            more: false,
        };
        assert_eq!(header, expected);
        let mut written = Vec::new();
        header.put(&mut written);
        assert_eq!(written, bytes[..header.length()]);
    }

    #[test]
    fn a_frame_without_ack_is_shorter() {
        let header = Header::parse(&[0x83, 1, 0, 2, 0]).expect("a frame");
        assert_eq!((header.tick, header.due, header.ack), (1, 2, None));
        assert!(header.more);
        assert_eq!(header.length(), 5);
    }

    #[test]
    fn what_is_no_frame_or_cut_short_is_none() {
        for bytes in [&[][..], &[0, 0, 0, 0, 0], &[0x80, 0, 0, 0], &[0x84; 7]] {
            assert_eq!(Header::parse(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_tick_follows_across_the_half() {
        assert_eq!(follow(301, 302), 302);
        assert_eq!(follow(0x0001_ffff, 1), 0x0002_0001);
        assert_eq!(follow(7, 7), 7);
        assert_eq!(follow(u32::MAX, 0), 0);
    }

    #[test]
    fn the_input_of_the_protocols_example_is_read_and_written() {
        let bytes = [0x01, 0x01, 0xfb, 0x2c, 0x01, 0x08, 0x00, 0x7f, 0x00];
        assert_eq!(take_input(&bytes), Some((1, &[0x00, 0x7f, 0x00][..])));
        let mut written = Vec::new();
        put_input(1, 300, &mut written);
        assert_eq!(written, bytes[..6]);
        assert_eq!(take_input(&[2, 5]), None);
    }

    #[test]
    fn numbers_of_every_width_come_back() {
        for value in [0, 250, 251, 65_535, 65_536, u32::MAX] {
            let mut bytes = Vec::new();
            put_varint(value, &mut bytes);
            let mut rest = &bytes[..];
            assert_eq!(take_varint(&mut rest), Some(value));
            assert!(rest.is_empty());
            assert_eq!(take_varint(&mut &bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn a_welcome_tells_its_tick() {
        assert_eq!(welcome_tick(&[0, 7, 0, 9, 0xfb, 0x2d, 0x01, 20]), Some(301));
        assert_eq!(welcome_tick(&[0, 7, 1, 5, 20]), Some(5));
        assert_eq!(welcome_tick(&[2, 7, 1, 5]), None);
    }
}

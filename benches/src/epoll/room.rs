//! The game by hand: fifty walk where they want to. Bytes that a client of the protocol would
//! read: one cell, one page, everybody who moved.

/// Slots of a page.
const SLOTS: usize = 64;

/// Side of the field. Units: 1/64 m.
const FIELD: i32 = 64 * 64;

/// The longest step: 5 m/s at 20 Hz. Units: 1/64 m.
const STEP: i32 = 16;

#[derive(Clone, Copy)]
struct Walker {
    at: [i32; 2],
    way: [i8; 2],
    connection: usize,
}

/// One room.
pub(super) struct Room {
    walkers: [Option<Walker>; SLOTS],
    pub(super) tick: u32,
    body: Vec<u8>,
}

impl Room {
    pub(super) const fn new() -> Self {
        Self {
            walkers: [None; SLOTS],
            tick: 0,
            body: Vec::new(),
        }
    }

    /// Seats a connection, unless the room is full.
    pub(super) fn join(&mut self, connection: usize) -> Option<usize> {
        let slot = self.walkers.iter().position(Option::is_none)?;
        self.walkers[slot] = Some(Walker {
            at: [FIELD / 2; 2],
            way: [0; 2],
            connection,
        });
        Some(slot)
    }

    pub(super) fn leave(&mut self, slot: usize) {
        self.walkers[slot] = None;
    }

    /// The newest input counts, as in any game where one holds a direction.
    pub(super) fn steer(&mut self, slot: usize, way: [i8; 2]) {
        if let Some(walker) = &mut self.walkers[slot] {
            walker.way = way;
        }
    }

    pub(super) fn connections(&self) -> impl Iterator<Item = usize> {
        let walkers = self.walkers.iter().flatten();
        walkers.map(|walker| walker.connection)
    }

    /// What everybody is sent of the last step, behind their header; empty if nobody moved.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(super) fn step(&mut self) {
        self.tick = self.tick.wrapping_add(1);
        let mut moved = 0_u64;
        let mut deltas = [0; 2 * SLOTS];
        let mut used = 0;
        for (slot, walker) in self.walkers.iter_mut().enumerate() {
            let Some(walker) = walker else {
                continue;
            };
            let delta = walker.walk();
            if delta != [0; 2] {
                moved |= 1 << slot;
                deltas[used..used + 2].copy_from_slice(&delta);
                used += 2;
            }
        }
        self.body.clear();
        if moved == 0 {
            return;
        }
        let bitmap = moved.to_le_bytes();
        let last = bitmap.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        // Cells; cell 24, public; MOVED of page 0; 8 bits for each of dx and dy.
        self.body.extend([8, 24, 4, (7 << 3) | BITMAP_HEAD[last]]);
        self.body.extend(&bitmap[..=last]);
        self.body.extend(&deltas[..used]);
    }
}

/// Bytes of a bitmap − 1, by the index of its last byte.
const BITMAP_HEAD: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

impl Walker {
    /// How far it came, as two's complement bytes.
    fn walk(&mut self) -> [u8; 2] {
        let mut axes = self.at.iter_mut().zip(self.way);
        std::array::from_fn(|_| {
            let (at, way) = axes.next().expect("there are two axes");
            let next = (*at + i32::from(way) * STEP / 127).clamp(0, FIELD);
            let [low, ..] = (next - *at).to_le_bytes();
            *at = next;
            low
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_walks_is_sent_and_who_stands_is_not() {
        let mut room = Room::new();
        for connection in 0..10 {
            assert_eq!(room.join(connection), Some(connection));
        }
        room.step();
        assert!(room.body().is_empty());
        room.steer(0, [127, -127]);
        room.steer(9, [0, 64]);
        let expected = [8, 24, 4, 0x39, 0x01, 0x02, 16, 0xf0, 0, 8];
        room.step();
        assert_eq!(room.body(), expected);
        room.leave(9);
        room.step();
        assert_eq!(room.body(), [8, 24, 4, 0x38, 0x01, 16, 0xf0]);
        assert_eq!(room.connections().count(), 9);
    }

    #[test]
    fn nobody_leaves_the_field_or_finds_a_seat_in_a_full_room() {
        let mut room = Room::new();
        for connection in 0..SLOTS {
            assert!(room.join(connection).is_some());
        }
        assert_eq!(room.join(SLOTS), None);
        room.steer(0, [127, 0]);
        let mut steps = 0;
        room.step();
        while !room.body().is_empty() {
            steps += 1;
            room.step();
        }
        assert_eq!(steps, 128, "half of 4,096 in steps of 16");
    }
}

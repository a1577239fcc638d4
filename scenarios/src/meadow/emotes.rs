//! What players say without words: emotes, and who comes and goes.

use downbeat::{PlayerId, Room, To};

use super::{Event, Meadow, flowers};

/// Emotes by number.
pub(super) const EMOTES: u8 = 4;

/// Ticks between two emotes of one player: two a second.
const EMOTE_EVERY_TICKS: u32 = 10;

/// Emotes that one tick shows. A member that stalls for a moment is sent all events later, and
/// its queue must outlast a crowd that waves.
const EMOTES_PER_TICK_MAX: u8 = 1;

/// Up to so many members one is told who comes and goes: in a crowd nobody would read it.
const GREETED_MAX: usize = 50;

impl Meadow {
    pub(super) fn emote(&mut self, room: &mut Room<Self>, player: PlayerId, emote: u8) {
        let now = room.tick();
        let Some(walker) = self.walkers.get_mut(&player) else {
            return;
        };
        let too_soon = walker.emote_at.is_newer(now) || self.emotes >= EMOTES_PER_TICK_MAX;
        let Some(at) = room.entity(walker.body).map(|body| body.pos) else {
            return;
        };
        if emote >= EMOTES || too_soon {
            return;
        }
        walker.emote_at = now.after(EMOTE_EVERY_TICKS);
        self.emotes += 1;
        let entity = room.net_id(walker.body).unwrap_or_default();
        let seen = flowers::seen_by(room, at);
        room.emit(&Event::Emoted { entity, emote }, seen);
    }

    pub(super) fn greet(&self, room: &mut Room<Self>, event: Event) {
        if self.walkers.len() <= GREETED_MAX {
            room.emit(&event, To::All);
        }
    }
}

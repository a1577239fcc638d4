//! The members of a room and what they have asked for.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::entities::EntityId;
use crate::game::{Game, InputKind, Look, Player, PlayerId, Seat, Team};
use crate::grid::{CellId, Space, Tiers};
use crate::inbox::Epoch;
use crate::limits::{
    HELD_TICKS_MAX, INPUTS_PER_TICK_MAX, INPUTS_QUEUED_MAX, REFUSALS_KEPT_MAX,
    STALE_EVENT_BYTES_MAX, STALE_EVENTS_MAX,
};
use crate::outside::OwnChannel;
use crate::publish::Want;
use crate::replicate::{Masks, Replicate as _, Tracked};
use crate::wire::Close;

pub(crate) type Members<G> = BTreeMap<PlayerId, Member<G>>;

/// A session that sits in a room.
pub(crate) struct Member<G: Game> {
    pub(crate) player: Player<G>,
    /// Its connection: what others say in its name is ignored.
    pub(crate) epoch: Epoch,
    pub(crate) seat: Seat,
    /// The seat as its player was told.
    pub(crate) seat_shown: Seat<u32>,
    pub(crate) team: Option<Team>,
    pub(crate) private: Tracked<G::Private>,
    pub(crate) inputs: Inputs<G::Input>,
    /// Ticks by which what the player acts on lags behind the room.
    pub(crate) view_back: f32,
    /// Steps left until a dropped member has left.
    pub(crate) grace_ticks: Option<u32>,
    /// Where the layer reaches it; it ends with the membership.
    pub(crate) channel: Option<OwnChannel>,
    /// Events that it is owed while it is away.
    pub(crate) owed: Owed,
    /// The room wants it gone at the end of this step.
    pub(crate) close: Option<Close>,
    /// Where it looks, if not after its avatar.
    pub(crate) look: Option<Look>,
    /// The cell that it looks at, and how often it is sent which ring.
    pub(crate) anchor: CellId,
    pub(crate) tiers: Tiers,
    /// The cells that it was offered at the last whole beat, around `seen_from`.
    pub(crate) window: u64,
    pub(crate) seen_from: CellId,
    /// What the next whole beat has to bring it.
    pub(crate) want: Option<Want>,
    /// Its own entity as it was told exactly.
    exact: Option<(EntityId, G::Entity)>,
}

impl<G: Game> Member<G> {
    pub(crate) fn new(player: Player<G>, epoch: Epoch, space: Space) -> Self {
        Self {
            player,
            epoch,
            seat: Seat::Spectator,
            seat_shown: Seat::Spectator,
            team: None,
            private: Tracked::new(G::Private::default()),
            inputs: Inputs::new(),
            grace_ticks: None,
            channel: None,
            owed: Owed::default(),
            close: None,
            look: None,
            anchor: CellId::default(),
            tiers: space.tiers(),
            window: 0,
            seen_from: CellId::default(),
            view_back: 0.0,
            want: Some(Want::All),
            exact: None,
        }
    }

    /// All of its own entity's lossy fields, if one of them changed since the last call: a client
    /// may have lost sight of the others.
    pub(crate) fn exact_changes(&mut self, avatar: Option<(EntityId, &G::Entity)>) -> u64 {
        let lossy = Masks::<G::Entity>::LOSSY;
        let Some((id, avatar)) = avatar.filter(|_| lossy != 0) else {
            return 0;
        };
        match &mut self.exact {
            Some((of, told)) if *of == id => match told.absorb_exact(avatar) {
                0 => 0,
                _ => lossy,
            },
            told => {
                *told = Some((id, avatar.clone()));
                lossy
            }
        }
    }
}

/// What happened while a member was away: the newest events, within the limits of one that is
/// behind.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    events: VecDeque<Bytes>,
    bytes: usize,
}

impl Owed {
    pub(crate) fn push(&mut self, event: Bytes) {
        self.bytes += event.len();
        self.events.push_back(event);
        while self.events.len() > STALE_EVENTS_MAX || self.bytes > STALE_EVENT_BYTES_MAX {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
        }
    }

    pub(crate) fn take(&mut self) -> impl Iterator<Item = Bytes> + use<> {
        self.bytes = 0;
        std::mem::take(&mut self.events).into_iter()
    }
}

/// One player's inputs between the socket and the tick.
#[derive(Debug)]
pub(crate) struct Inputs<I> {
    once: VecDeque<(u32, I)>,
    held: Option<Held<I>>,
    newest: u32,
    ack: u32,
    refused: Vec<u32>,
    /// The newest refusals that were told: perhaps to a connection that was dead already.
    told: VecDeque<u32>,
}

#[derive(Debug)]
struct Held<I> {
    input: I,
    ticks_left: u32,
}

impl<I: Clone> Inputs<I> {
    pub(crate) const fn new() -> Self {
        Self {
            once: VecDeque::new(),
            held: None,
            newest: 0,
            ack: 0,
            refused: Vec::new(),
            told: VecDeque::new(),
        }
    }

    /// The newest that was taken in: applied, refused or waiting.
    pub(crate) const fn taken(&self) -> u32 {
        self.newest
    }

    /// Takes an input in; one that is not newer than the last is a replay and ignored.
    pub(crate) fn push(&mut self, seq: u32, input: I, kind: InputKind) {
        if seq <= self.newest {
            return;
        }
        self.newest = seq;
        match kind {
            InputKind::Once if self.once.len() >= INPUTS_QUEUED_MAX => self.refused.push(seq),
            InputKind::Once => self.once.push_back((seq, input)),
            InputKind::Held => {
                self.held = Some(Held {
                    input,
                    ticks_left: HELD_TICKS_MAX,
                });
            }
        }
    }

    /// An input that this member may not give, or that the room could not take in.
    pub(crate) fn refuse(&mut self, seq: u32) {
        if seq > self.newest {
            self.newest = seq;
            self.refused.push(seq);
        }
    }

    /// Refuses all that waits, and lets go of what is held.
    pub(crate) fn refuse_waiting(&mut self) {
        self.refused.extend(self.once.drain(..).map(|(seq, _)| seq));
        self.held = None;
    }

    /// Moves what this step applies into `due`.
    pub(crate) fn take_due(&mut self, due: &mut Vec<I>) {
        for (_, input) in self.once.drain(..INPUTS_PER_TICK_MAX.min(self.once.len())) {
            due.push(input);
        }
        if let Some(held) = &mut self.held {
            due.push(held.input.clone());
            held.ticks_left -= 1;
            if held.ticks_left == 0 {
                self.held = None;
            }
        }
    }

    /// Forgets what is held: whoever held it is gone.
    pub(crate) fn release(&mut self) {
        self.held = None;
    }

    /// A new connection has to hear again what may not have got through.
    pub(crate) fn tell_again(&mut self) {
        self.refused.splice(0..0, self.told.drain(..));
    }

    /// The newest input before the first that still waits.
    pub(crate) fn ack(&self) -> u32 {
        self.once.front().map_or(self.newest, |(seq, _)| seq - 1)
    }

    /// Hands over the refusals; answers whether they or the acknowledgement are news.
    pub(crate) fn take_news(&mut self, refused: &mut Vec<u32>) -> bool {
        let ack = self.ack();
        let news = ack != self.ack || !self.refused.is_empty();
        self.ack = ack;
        let known = (self.told.len() + self.refused.len()).saturating_sub(REFUSALS_KEPT_MAX);
        self.told.drain(..known.min(self.told.len()));
        let newest = self.refused.len().saturating_sub(REFUSALS_KEPT_MAX);
        self.told.extend(&self.refused[newest..]);
        refused.append(&mut self.refused);
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use InputKind::{Held, Once};

    fn due(inputs: &mut Inputs<char>) -> String {
        let mut due = Vec::new();
        inputs.take_due(&mut due);
        due.into_iter().collect()
    }

    #[test]
    fn once_is_applied_once_four_a_tick_and_refused_beyond_eight() {
        let mut inputs = Inputs::new();
        for (seq, input) in (1..).zip("abcdefghij".chars()) {
            inputs.push(seq, input, Once);
        }
        assert_eq!(due(&mut inputs), "abcd");
        let mut refused = Vec::new();
        assert!(inputs.take_news(&mut refused));
        assert_eq!((inputs.ack(), &refused[..]), (4, &[9, 10][..]));
        assert_eq!(due(&mut inputs), "efgh");
        assert!(inputs.take_news(&mut refused));
        assert_eq!((inputs.ack(), refused.len()), (10, 2));
        assert_eq!(due(&mut inputs), "");
        assert!(!inputs.take_news(&mut refused));
    }

    #[test]
    fn the_newest_held_input_wins_and_lasts_three_ticks() {
        let mut inputs = Inputs::new();
        inputs.push(1, 'a', Held);
        inputs.push(2, 'b', Held);
        let ticks: Vec<_> = (0..4).map(|_| due(&mut inputs)).collect();
        assert_eq!(ticks, ["b", "b", "b", ""]);
        assert!(inputs.take_news(&mut Vec::new()));
        assert_eq!(inputs.ack(), 2);
    }

    #[test]
    fn a_replayed_number_is_ignored() {
        let mut inputs = Inputs::new();
        inputs.push(2, 'a', Once);
        inputs.push(2, 'b', Once);
        inputs.push(1, 'c', Once);
        assert_eq!(due(&mut inputs), "a");
        assert_eq!(due(&mut inputs), "");
    }
}

//! Publishing: what a step changed becomes a frame.
//!
//! In: a room after its step. Out: its cells' bytes, each member's own part, events. Here is
//! decided where members look; what they are sent of it, and when, is `viewer`'s business.

use bytes::Bytes;

use crate::cells::{Beat, LayerKey};
use crate::codec::Encoder;
use crate::frame::{Frame, MemberPart, Recipients};
use crate::game::{Game, Look, PlayerId, Seat, Team, To};
use crate::grid::{CellId, Space, TIERS, Tiers, bits, shift, units};
use crate::limits::{CHECKSUM_EVERY_TICKS, STATE_BYTES_MAX, VIEW_BYTES_PER_TICK_MAX};
use crate::members::Member;
use crate::replicate::{Masks, Replicate};
use crate::room::Room;
use crate::wire::section;

/// What a room task asks of the next whole beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Everything that the member may see.
    All,
    /// The cells that it is still without.
    Cells,
}

/// What room tasks have asked for since the last tick.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    pub(crate) members: Vec<(PlayerId, Want)>,
    /// Tiers that slow members are reduced to, as bits.
    pub(crate) rates: u8,
}

/// What a room keeps between two frames to make the next one.
#[derive(Debug)]
pub(crate) struct Publisher {
    /// Tiers that slow members are reduced to until the next whole beat, as bits.
    rates: u8,
    /// The rates asked for since.
    rates_wanted: u8,
    /// What of the shared state each tier was not told yet.
    shared: [u64; TIERS],
    /// From where members look, and how often each ring is sent there; sorted.
    crowds: Vec<Crowd>,
}

/// Members who see the same, and have so far been sent it as often.
#[derive(Clone, Copy, Debug)]
struct Crowd {
    at: (CellId, Option<Team>, Tiers),
    tiers: Tiers,
}

impl Publisher {
    pub(crate) const fn new() -> Self {
        Self {
            rates: 1,
            rates_wanted: 1,
            shared: [0; TIERS],
            crowds: Vec::new(),
        }
    }
}

/// Fills a frame with what this step changed.
pub(crate) fn publish<G: Game>(room: &mut Room<G>, wants: &Wants, frame: &mut Frame) {
    begin(room, wants, frame);
    encode(room, frame);
    finish(room, frame);
}

/// Brings the cells up to date, and finds out who looks where.
pub(crate) fn begin<G: Game>(room: &mut Room<G>, wants: &Wants, frame: &mut Frame) {
    frame.clear();
    frame.tick = room.tick;
    frame.beat = beat(room);
    note_wants(room, wants);
    let Room {
        entities,
        cells,
        space,
        tick,
        ..
    } = room;
    entities.publish(cells, *space, *tick);
    if frame.beat.whole {
        aim(room);
    }
}

/// Encodes the cells.
pub(crate) fn encode<G: Game>(room: &mut Room<G>, frame: &Frame) {
    let Room {
        entities, cells, ..
    } = room;
    cells.encode(frame.beat, &|id| entities.expect(id));
}

/// Puts everything into the frame.
pub(crate) fn finish<G: Game>(room: &mut Room<G>, frame: &mut Frame) {
    let whole = frame.beat.whole;
    if whole {
        serve(room);
        frame.beat.rates_next = room.publisher.rates;
    }
    room.cells.for_each(|layer, cell| {
        if whole || !cell.out.is_empty() {
            frame.push_cell(layer, cell.id, &mut cell.out);
        }
    });
    publish_shared(room, frame);
    publish_members(room, frame);
    publish_events(room, frame);
    if whole {
        room.cells.discard_empty();
    }
}

/// Which tiers this tick sends.
fn beat<G: Game>(room: &Room<G>) -> Beat {
    let tick = room.tick.number();
    let used = used_tiers(room.space, room.publisher.rates);
    let rarest = 7 - u8::try_from(used.leading_zeros()).unwrap_or(7);
    let period = 1 << rarest;
    let whole = tick.is_multiple_of(period);
    let sent = if whole {
        u8::MAX
    } else if tick.is_multiple_of(2) {
        0b11
    } else {
        0b01
    };
    Beat {
        sent,
        whole,
        period,
        checks: tick.is_multiple_of(CHECKSUM_EVERY_TICKS),
        used,
        rates: room.publisher.rates,
        rates_next: room.publisher.rates,
    }
}

/// Remembers what was asked for until a whole beat can give it.
fn note_wants<G: Game>(room: &mut Room<G>, wants: &Wants) {
    room.publisher.rates_wanted |= wants.rates;
    for &(player, want) in &wants.members {
        if let Some(member) = room.members.get_mut(&player) {
            member.want = match (member.want, want) {
                (Some(Want::All), _) | (_, Want::All) => Some(Want::All),
                _ => Some(Want::Cells),
            };
        }
    }
}

/// Finds out where everybody looks, and asks for the keyframes that this takes.
fn aim<G: Game>(room: &mut Room<G>) {
    let Room {
        entities,
        cells,
        members,
        space,
        publisher,
        ..
    } = room;
    publisher.crowds.clear();
    let side = space.cell_units();
    for member in members.values_mut() {
        let avatar = match member.seat {
            Seat::Avatar(id) => Some(id),
            Seat::Player | Seat::Spectator => None,
        };
        let to = match member.look {
            Some(Look::At(point)) => Some(CellId::of(units(point), side)),
            Some(Look::Follow(id)) => entities.cell(id),
            None => avatar.and_then(|id| entities.cell(id)),
        };
        member.anchor = to.unwrap_or(member.anchor);
        publisher.crowds.push(Crowd {
            at: (member.anchor, member.team, member.tiers),
            tiers: space.tiers(),
        });
    }
    publisher.crowds.sort_unstable_by_key(|crowd| crowd.at);
    publisher.crowds.dedup_by_key(|crowd| crowd.at);
    for crowd in &mut publisher.crowds {
        let (anchor, team, last) = crowd.at;
        let mut bytes = |tiers| {
            let mut of = |layer| {
                let layer = cells.layer_mut(layer);
                layer.map_or(0, |layer| layer.bytes_per_tick(anchor, tiers))
            };
            of(LayerKey::Public) + team.map_or(0, |team| of(LayerKey::Team(team)))
        };
        crowd.tiers = rung(crowd.tiers, last, &mut bytes);
    }
    for (&player, member) in &mut *members {
        member.tiers = publisher.tiers((member.anchor, member.team, member.tiers));
        let known = match member.want {
            Some(_) => 0,
            None => shift(member.window, member.seen_from, member.anchor),
        };
        let window = member.tiers.window();
        (member.window, member.seen_from) = (window, member.anchor);
        if window & !known == 0 {
            continue;
        }
        let team = member.team.map(LayerKey::Team);
        for layer in [Some(LayerKey::Public), team, Some(LayerKey::Own(player))] {
            if let Some(layer) = layer.and_then(|key| cells.layer_mut(key)) {
                layer.for_window(member.anchor, |number, cell| {
                    cell.wants_key |= (window & !known) >> number & 1 == 1;
                });
            }
        }
    }
}

/// The rung of a crowd's ladder: the first that keeps the budget, and a quieter one only when that
/// keeps it by far.
fn rung(base: Tiers, last: Tiers, bytes: &mut impl FnMut(Tiers) -> u32) -> Tiers {
    let mut within = |max: u32| {
        let mut tiers = base;
        while bytes(tiers) > max
            && let Some(next) = tiers.demoted()
        {
            tiers = next;
        }
        tiers
    };
    let needed = within(VIEW_BYTES_PER_TICK_MAX);
    if needed >= last {
        return needed;
    }
    within(VIEW_BYTES_PER_TICK_MAX / 4 * 3).min(last)
}

/// From now on the cells keep the tiers that somebody looks at.
fn serve<G: Game>(room: &mut Room<G>) {
    let Room {
        cells,
        publisher,
        space,
        tick,
        ..
    } = room;
    if tick.number().is_multiple_of(1 << (TIERS - 1)) {
        publisher.rates = 1 | std::mem::take(&mut publisher.rates_wanted);
        cells.use_tiers(used_tiers(*space, publisher.rates));
    }
    cells.for_each(|layer, cell| {
        cell.wanted = match layer {
            LayerKey::Own(_) => u8::MAX,
            LayerKey::Public | LayerKey::Team(_) => 0,
        };
    });
    for crowd in &publisher.crowds {
        let (anchor, team, _) = crowd.at;
        let layers = [Some(LayerKey::Public), team.map(LayerKey::Team)];
        for key in layers.into_iter().flatten() {
            let Some(layer) = cells.layer_mut(key) else {
                continue;
            };
            layer.for_window(anchor, |number, cell| {
                for rate in bits(u64::from(publisher.rates)) {
                    if let Some(tier) = crowd.tiers.at_least(rate).of(number) {
                        cell.wanted |= 1 << tier;
                    }
                }
            });
        }
    }
}

impl Publisher {
    fn tiers(&self, at: (CellId, Option<Team>, Tiers)) -> Tiers {
        let found = self.crowds.binary_search_by_key(&at, |crowd| crowd.at);
        found.map_or(at.2, |found| self.crowds[found].tiers)
    }
}

/// The tiers that a room may send: those of its rings, those that a crowd's rings come down to, and
/// those of slow members.
pub(crate) fn used_tiers(space: Space, rates: u8) -> u8 {
    match space {
        Space::Whole => rates,
        // Any ring but the anchor may be demoted to any tier.
        Space::Grid { far: 0, .. } => 1 | rates,
        Space::Grid { .. } => u8::MAX >> (8 - TIERS),
    }
}

fn publish_shared<G: Game>(room: &mut Room<G>, frame: &mut Frame) {
    let changed = room.shared.take_changed();
    let shared = room.shared.value();
    for (tier, pending) in room.publisher.shared.iter_mut().enumerate() {
        *pending |= changed;
        if frame.beat.sent >> tier & 1 == 1 {
            let mask = std::mem::take(pending);
            if frame.beat.rates >> tier & 1 == 1 {
                write_update(section::SHARED, shared, mask, &mut frame.shared[tier]);
            }
        }
    }
    let wanted = |member: &Member<G>| member.want == Some(Want::All);
    if frame.beat.whole && room.members.values().any(wanted) {
        let all = Masks::<G::Shared>::ALL;
        write_update(section::SHARED, shared, all, &mut frame.shared_key);
    }
}

fn publish_members<G: Game>(room: &mut Room<G>, frame: &mut Frame) {
    let Room {
        members,
        entities,
        tick,
        ..
    } = room;
    for (&player, member) in members {
        let refused = frame.refused.len();
        // Nobody hears what is said to a member that is away.
        let acked = member.grace_ticks.is_none() && member.inputs.take_news(&mut frame.refused);
        let own = frame.own.len();
        let (avatar, seat) = match member.seat {
            Seat::Avatar(id) => {
                // Its own body may be gone, or hidden from it.
                let net = entities.net_for(id, (player, member.team), *tick);
                (Some(id), net.map_or(Seat::Player, Seat::Avatar))
            }
            Seat::Player => (None, Seat::Player),
            Seat::Spectator => (None, Seat::Spectator),
        };
        if std::mem::replace(&mut member.seat_shown, seat) != seat {
            write_seat(seat, &mut frame.own);
        }
        let private = member.private.take_changed();
        let state = member.private.value();
        write_update(section::PRIVATE, state, private, &mut frame.own);
        let avatar = avatar.and_then(|id| Some((id, entities.get(id)?)));
        let mask = member.exact_changes(avatar);
        write_own(avatar.map(|(_, avatar)| avatar), mask, &mut frame.own);
        let delta = range(own, frame.own.len());
        let mut key = None;
        if frame.beat.whole && member.want.take() == Some(Want::All) {
            let from = frame.own.len();
            write_seat(member.seat_shown, &mut frame.own);
            let all = Masks::<G::Private>::ALL;
            write_update(
                section::PRIVATE,
                member.private.value(),
                all,
                &mut frame.own,
            );
            let lossy = Masks::<G::Entity>::LOSSY;
            write_own(avatar.map(|(_, avatar)| avatar), lossy, &mut frame.own);
            key = Some(range(from, frame.own.len()));
        }
        frame.members.push(MemberPart {
            player,
            epoch: member.epoch,
            seat: member.seat_shown,
            team: member.team,
            anchor: member.anchor,
            tiers: member.tiers,
            input_ack: member.inputs.ack(),
            input_taken: member.inputs.taken(),
            news: acked || !delta.is_empty() || member.close.is_some(),
            refused: range(refused, frame.refused.len()),
            delta,
            key,
            close: member.close,
        });
    }
}

fn publish_events<G: Game>(room: &mut Room<G>, frame: &mut Frame) {
    let recipients = |to| match to {
        To::All => Recipients::All,
        To::Player(player) => Recipients::One(player),
        To::Players(mut players) => {
            players.sort_unstable();
            Recipients::Some(players)
        }
        To::Team(team) => {
            let of_team = room.members.iter().filter(|(_, m)| m.team == Some(team));
            Recipients::Some(of_team.map(|(&id, _)| id).collect())
        }
    };
    let events = room.events.drain(..);
    frame
        .events
        .extend(events.map(|(to, bytes)| (recipients(to), Bytes::from(bytes))));
    if frame.events.is_empty() {
        return;
    }
    for (&player, member) in &mut room.members {
        if member.grace_ticks.is_some() {
            let missed = frame.events.iter().filter(|(to, _)| to.include(player));
            missed.for_each(|(_, bytes)| member.owed.push(bytes.clone()));
        }
    }
}

fn write_seat(seat: Seat<u32>, out: &mut Vec<u8>) {
    out.push(section::SEAT);
    Encoder::new(out).value(&seat);
}

fn write_own<E: Replicate>(avatar: Option<&E>, mask: u64, out: &mut Vec<u8>) {
    if let Some(avatar) = avatar
        && mask != 0
    {
        out.push(section::OWN);
        let mut out = Encoder::new(out);
        out.varint(mask);
        avatar.encode_exact(mask, &mut out);
    }
}

fn write_update<T: Replicate>(tag: u8, value: &T, mask: u64, out: &mut Vec<u8>) {
    if mask == 0 {
        return;
    }
    let start = out.len();
    out.push(tag);
    let mut encoder = Encoder::new(out);
    encoder.varint(mask);
    value.encode(mask, &mut encoder);
    let bytes = out.len() - start;
    assert!(
        bytes <= STATE_BYTES_MAX,
        "shared or private state is at most {STATE_BYTES_MAX} bytes, this one has {bytes}"
    );
}

fn range(from: usize, to: usize) -> std::ops::Range<u32> {
    let position = |at| u32::try_from(at).expect("members' own parts are far below 4 GiB");
    position(from)..position(to)
}

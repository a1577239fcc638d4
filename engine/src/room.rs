//! `Room`: all that a game can touch.

use std::sync::Arc;
use std::time::Duration;

use glam::Vec2;

use crate::batch::Origin;
use crate::cells::Cells;
use crate::codec;
use crate::entities::{Entities, EntityId, Visible};
use crate::game::{Game, Listing, Look, Player, PlayerId, Seat, Team, To};
use crate::grid::Space;
use crate::job::{Job as _, JobId, Rejected};
use crate::jobs::Jobs;
use crate::limits::{ITEM_BYTES_MAX, ROOM_MEMBERS_MAX};
use crate::members::Members;
use crate::outside::Outside;
use crate::past::{Past, Trail};
use crate::publish::{Publisher, used_tiers};
use crate::replicate::{Replicate as _, Tracked};
use crate::rng::{Rng, seeded};
use crate::sim::Start;
use crate::tick::Tick;
use crate::timers::{TimerId, Timers};
use crate::wire::{Close, CloseCode};

/// One running instance of a game: its entities, its members, its time.
pub struct Room<G: Game> {
    pub(crate) name: Arc<str>,
    pub(crate) world_seed: u64,
    pub(crate) tick_rate_hz: u16,
    pub(crate) tick: Tick,
    pub(crate) rng: Rng,
    pub(crate) entities: Entities<G::Entity>,
    trail: Trail,
    pub(crate) shared: Tracked<G::Shared>,
    pub(crate) members: Members<G>,
    pub(crate) timers: Timers<G::Timer>,
    pub(crate) jobs: Jobs<G::Job>,
    /// Events of this step, each with its bytes.
    pub(crate) events: Vec<(To, Vec<u8>)>,
    pub(crate) space: Space,
    pub(crate) cells: Cells,
    pub(crate) publisher: Publisher,
    pub(crate) listing: Listing,
    pub(crate) locked: bool,
    pub(crate) closing: Option<CloseCode>,
    pub(crate) outside: Outside<G>,
}

impl<G: Game> Room<G> {
    pub(crate) fn new(start: &Start<G>, tick_rate_hz: u16, space: Space) -> Self {
        let name = Arc::clone(&start.name);
        let origin = Origin {
            game: Arc::clone(&start.game),
            room: Arc::clone(&name),
            tick_rate_hz,
        };
        let limits = G::job_limits(&start.settings);
        let counters = Arc::clone(&start.workshop.counters);
        let outside = Outside::new(start.outlet.clone(), counters, &start.game, &name);
        Self {
            rng: seeded(start.world_seed, &name, 0, "room"),
            name,
            world_seed: start.world_seed,
            tick_rate_hz,
            tick: Tick::ZERO,
            entities: Entities::new(),
            trail: Trail::new(tick_rate_hz),
            shared: Tracked::new(G::Shared::default()),
            members: Members::new(),
            timers: Timers::new(),
            jobs: Jobs::new(origin, limits, start.workshop.clone()),
            events: Vec::new(),
            space,
            cells: Cells::new(used_tiers(space, 1)),
            publisher: Publisher::new(),
            listing: Listing::default(),
            locked: false,
            closing: None,
            outside,
        }
    }

    /// The room's name, as in its URL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The current step. A sleeping room's tick stands still.
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// Game time per step. Units: seconds.
    pub fn dt(&self) -> f32 {
        1.0 / f32::from(self.tick_rate_hz)
    }

    /// Random numbers of this step: the same room, run again with the same inputs, gets the same.
    pub const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Random numbers of one's own for one purpose at this step, whoever else draws.
    pub fn rng_for(&self, purpose: &str) -> Rng {
        seeded(self.world_seed, &self.name, self.tick.number(), purpose)
    }

    // Entities.

    /// Puts an entity into the world.
    pub fn spawn(&mut self, entity: G::Entity) -> EntityId {
        self.entities.spawn(entity)
    }

    /// Takes an entity out of the world; its jobs are cancelled.
    pub fn despawn(&mut self, id: EntityId) -> Option<G::Entity> {
        self.jobs.cancel_owner(id);
        self.entities.despawn(id)
    }

    /// Takes everything out of the world that a player owns.
    pub fn despawn_owned(&mut self, player: PlayerId) {
        for id in self.owned(player) {
            self.despawn(id);
        }
    }

    fn owned(&self, player: PlayerId) -> Vec<EntityId> {
        let ids = self.entities.iter().map(|(id, _)| id);
        ids.filter(|&id| self.entities.owner(id) == Some(player))
            .collect()
    }

    /// An entity, if it is still there.
    pub fn entity(&self, id: EntityId) -> Option<&G::Entity> {
        self.entities.get(id)
    }

    /// An entity to change; what differs reaches the clients with this step's frame.
    pub fn entity_mut(&mut self, id: EntityId) -> Option<&mut G::Entity> {
        self.entities.get_mut(id)
    }

    /// All entities, in id order.
    pub fn entities(&self) -> impl Iterator<Item = (EntityId, &G::Entity)> {
        self.entities.iter()
    }

    /// The entities within `radius` of `point`, in id order, each where it is right now.
    ///
    /// Units: metres. Entities without a position are near nothing.
    pub fn near(&self, point: Vec2, radius: f32) -> Vec<EntityId> {
        self.entities.near(point, radius)
    }

    /// The others as this player saw them when it asked for what is being judged: its shot hits
    /// what was in its sights, although that has moved on since.
    ///
    /// Only for games with [`Game::REWIND`]; for others this does not compile.
    pub fn rewind(&self, player: PlayerId) -> Past<'_> {
        const {
            assert!(
                G::REWIND,
                "a game that rewinds has `const REWIND: bool = true`"
            )
        };
        let member = self.members.get(&player);
        let ticks_back = member.map_or(0.0, |member| member.view_back);
        self.trail.past(self.tick, ticks_back)
    }

    /// The end of a step: where everything is now, for those who will have seen it so.
    pub(crate) fn remember(&mut self) {
        if G::REWIND {
            let entities = self.entities.iter();
            let places = entities.filter_map(|(id, entity)| Some((id, entity.position()?)));
            self.trail.record(self.tick, places);
        }
    }

    /// Whose an entity is. An avatar is its player's from the join on.
    pub fn owner(&self, id: EntityId) -> Option<PlayerId> {
        self.entities.owner(id)
    }

    /// Gives an entity to a player, or to nobody; it gets its owner's team, unless it has one of
    /// its own.
    pub fn set_owner(&mut self, id: EntityId, owner: Option<PlayerId>) {
        let team = owner.and_then(|owner| self.team(owner));
        self.entities.set_owner(id, owner, team);
    }

    /// An entity's team: who sees its `#[replicate(team)]` fields.
    pub fn entity_team(&self, id: EntityId) -> Option<Team> {
        self.entities.team(id)
    }

    /// Puts an entity into a team, or into none.
    pub fn set_entity_team(&mut self, id: EntityId, team: Option<Team>) {
        self.entities.set_team(id, team);
    }

    /// Says who may see an entity at all. Nothing that hidden entities do can be told from what
    /// others are sent, not even from the numbers of those that they see.
    ///
    /// To those who could not see it before, a new entity appears, with another number.
    pub fn hide(&mut self, id: EntityId, visible: Visible) {
        self.entities.set_visible(id, visible);
    }

    /// The number by which clients know an entity: for events and messages that name it. `None`
    /// if it is gone, or nobody may see it.
    pub fn net_id(&mut self, id: EntityId) -> Option<u32> {
        self.entities.net(id, self.tick)
    }

    /// How much of the room its members see.
    pub const fn space(&self) -> Space {
        self.space
    }

    /// Where a member looks in a grid; without it, after its avatar.
    pub fn look(&mut self, player: PlayerId, at: Look) {
        if let Some(member) = self.members.get_mut(&player) {
            member.look = Some(at);
        }
    }

    // State of the room and of its members.

    /// The state that all members see.
    pub const fn shared(&self) -> &G::Shared {
        self.shared.value()
    }

    /// The same, to change.
    pub const fn shared_mut(&mut self) -> &mut G::Shared {
        self.shared.value_mut()
    }

    /// Everybody in the room, in the order of their numbers.
    pub fn members(&self) -> impl Iterator<Item = &Player<G>> {
        self.members.values().map(|member| &member.player)
    }

    /// A member.
    pub fn player(&self, player: PlayerId) -> Option<&Player<G>> {
        self.members.get(&player).map(|member| &member.player)
    }

    /// Where a member sits.
    pub fn seat(&self, player: PlayerId) -> Option<Seat> {
        self.members.get(&player).map(|member| member.seat)
    }

    /// A member's body, if it has one that is alive.
    pub fn avatar(&self, player: PlayerId) -> Option<EntityId> {
        match self.seat(player)? {
            Seat::Avatar(id) => self.entities.get(id).map(|_| id),
            Seat::Player | Seat::Spectator => None,
        }
    }

    /// Seats a member elsewhere: a spectator who joins in, a fallen player who watches.
    pub fn set_seat(&mut self, player: PlayerId, seat: Seat) {
        let Some(member) = self.members.get_mut(&player) else {
            return;
        };
        member.seat = seat;
        if let Seat::Avatar(id) = seat {
            self.set_owner(id, Some(player));
        }
    }

    /// A member's team.
    pub fn team(&self, player: PlayerId) -> Option<Team> {
        self.members.get(&player)?.team
    }

    /// Puts a member and what it owns into a team, or into none. What it owns and was given a team
    /// of its own keeps that.
    pub fn set_team(&mut self, player: PlayerId, team: Option<Team>) {
        if let Some(member) = self.members.get_mut(&player)
            && member.team != team
        {
            member.team = team;
            for id in self.owned(player) {
                self.entities.set_owner(id, Some(player), team);
            }
        }
    }

    /// What only this player sees.
    pub fn private(&self, player: PlayerId) -> Option<&G::Private> {
        self.members.get(&player).map(|m| m.private.value())
    }

    /// The same, to change.
    pub fn private_mut(&mut self, player: PlayerId) -> Option<&mut G::Private> {
        self.members.get_mut(&player).map(|m| m.private.value_mut())
    }

    /// Throws a member out (close code 4003); it leaves at the end of this step.
    ///
    /// # Panics
    /// If the reason is longer than 123 bytes.
    pub fn kick(&mut self, player: PlayerId, reason: &'static str) {
        if let Some(member) = self.members.get_mut(&player) {
            member.close = Some(Close::with_reason(CloseCode::Refused, reason));
        }
    }

    // Events and timers.

    /// Tells members that something happened. Events arrive in the order in which they are
    /// emitted, with the state of the step that they belong to.
    ///
    /// # Panics
    /// If the event takes more bytes than one message can carry.
    pub fn emit(&mut self, event: &G::Event, to: To) {
        let bytes = codec::encode(event);
        assert!(
            bytes.len() <= ITEM_BYTES_MAX,
            "an event is at most {ITEM_BYTES_MAX} bytes, this one has {}",
            bytes.len()
        );
        self.events.push((to, bytes));
    }

    /// Calls [`Game::timer`] after this much game time, at the start of a later step.
    pub fn timer(&mut self, after: Duration, timer: G::Timer) -> TimerId {
        let nanos = after.as_nanos() * u128::from(self.tick_rate_hz);
        let ticks = u64::try_from(nanos.div_ceil(1_000_000_000)).unwrap_or(u64::MAX);
        self.timers.start(ticks, timer)
    }

    /// Takes back a timer that has not fired.
    pub fn cancel(&mut self, timer: TimerId) -> Option<G::Timer> {
        self.timers.cancel(timer)
    }

    // Jobs.

    /// Hands in a computation that takes too long for a tick; [`Game::job_done`] gets its outcome.
    ///
    /// # Errors
    /// The job, if the room has as much in flight as it may.
    ///
    /// # Panics
    /// If it is of a kind that is not among [`Job::KINDS`](crate::Job::KINDS).
    pub fn submit(&mut self, job: G::Job) -> Result<JobId, Rejected<G::Job>> {
        assert!(job.kind() < G::Job::KINDS.len(), "a job of a known kind");
        self.jobs.submit(job, self.tick)
    }

    /// Takes back a job that is not due yet: it spends nothing further, and its outcome will be
    /// [`Outcome::Cancelled`](crate::Outcome::Cancelled). Answers whether there was one.
    pub fn cancel_job(&mut self, job: JobId) -> bool {
        self.jobs.cancel(job)
    }

    /// The jobs that are on their way, in the order of their submission by kind and tick.
    pub fn jobs_in_flight(&self) -> impl Iterator<Item = (JobId, &G::Job)> {
        self.jobs.in_flight()
    }

    // The room itself.

    /// What others may know of this room.
    pub const fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Changes what others may know, and how many may join.
    pub fn set_listing(&mut self, listing: Listing) {
        self.listing = listing;
    }

    /// Lets nobody new in, or lets them in again.
    pub const fn lock(&mut self, locked: bool) {
        self.locked = locked;
    }

    /// Ends the room after this step: its last frame goes out, everybody gets 4004, and
    /// [`Game::leave`] is called for each.
    pub const fn close(&mut self) {
        if self.closing.is_none() {
            self.closing = Some(CloseCode::RoomClosed);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        let max = self.listing.max.and_then(|max| usize::try_from(max).ok());
        self.members.len() >= max.unwrap_or(ROOM_MEMBERS_MAX).min(ROOM_MEMBERS_MAX)
    }
}

//! For the tests of a game: a room without server, sockets or clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;

use crate::client::View;
use crate::codec;
use crate::counters::Counters;
use crate::frame::Frame;
use crate::game::{Game, OpenError, Player, PlayerId, Refusal};
use crate::inbox::{Epoch, RoomIn};
use crate::job::{AppliedJob, Job};
use crate::job_pool::{Delay, JobPool};
use crate::jobs::Workshop;
use crate::outside::Outlet;
use crate::publish::Wants;
use crate::rng::{fnv1a, seeded};
use crate::room::Room;
use crate::sim::{Sim, Start};
use crate::viewer::{Desk, Viewer};
use crate::wire::{Close, Welcome};

pub(crate) mod alone;
mod gallery;
mod outside;
mod choir;
#[cfg(test)]
mod fencing;

pub use self::choir::Choir;
pub use self::gallery::{Gallery, Sent};
/// What every layer must do.
pub mod layer {
    pub use crate::layer::suite::{Bus, suite};
}

pub use crate::courier::Outward;
pub use crate::link_memory::{MemoryLink, MemoryPeer, memory_link};
pub use crate::virtual_world::VirtualWorld;

/// A room whose time passes only when told to, with members that are no sockets.
///
/// Members see the room through the real encoders and a real [`View`].
///
/// ```
/// # use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Room, Seat, testing::TestRoom};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize)]
/// struct Counter(u32);
///
/// #[downbeat::game]
/// impl Game for Counter {
///     const NAME: &'static str = "counter";
///     type Shared = Count;
///     type Input = u32;
///     fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> { Ok(Counter(0)) }
///     fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
///         Ok(Seat::Player)
///     }
///     fn input(&mut self, room: &mut Room<Self>, _: PlayerId, n: u32) {
///         room.shared_mut().0 += n;
///     }
/// }
/// # #[derive(Clone, Default, PartialEq, Serialize, Deserialize, downbeat::Replicate)]
/// # struct Count(u32);
///
/// let mut room = TestRoom::<Counter>::open(());
/// let ada = room.join("Ada").expect("let in");
/// room.input(ada, 3);
/// room.step(1);
/// assert_eq!(room.view(ada).shared.0, 3);
/// ```
pub struct TestRoom<G: Game> {
    sim: Sim<G>,
    entered: Vec<RoomIn<G>>,
    members: BTreeMap<PlayerId, Seated<G>>,
    next_player: u32,
    ended: Option<Close>,
    wants: Wants,
    frame: Frame,
    desk: Desk,
    counters: Arc<Counters>,
}

/// Who runs the jobs of a [`TestRoom`].
#[derive(Clone, Debug)]
pub struct JobThreads {
    pool: Option<Arc<JobPool>>,
}

impl JobThreads {
    /// The room itself, when they are due.
    pub const fn none() -> Self {
        Self { pool: None }
    }

    /// So many threads.
    ///
    /// # Panics
    /// If the system gives none.
    pub fn new(threads: usize) -> Self {
        Self::with_delays(threads, None)
    }

    /// So many threads that are held up at random, for up to `most`.
    ///
    /// # Panics
    /// If the system gives none.
    pub fn delayed(threads: usize, seed: u64, most: Duration) -> Self {
        let delay = move |claim: u64| {
            let claim = u32::try_from(claim).unwrap_or(u32::MAX);
            most.mul_f32(seeded(seed, "jobs", claim, "delay").random())
        };
        Self::with_delays(threads, Some(Box::new(delay)))
    }

    pub(crate) fn with_delays(threads: usize, delay: Option<Delay>) -> Self {
        let pool = (threads > 0).then(|| {
            let pool = JobPool::with_delay(threads, delay);
            Arc::new(pool.expect("threads for the jobs"))
        });
        Self { pool }
    }

    /// Stops them; answers whether they did.
    pub fn stop(&self) -> bool {
        self.pool.as_ref().is_none_or(|pool| pool.stop())
    }
}

struct Seated<G: Game> {
    view: View<G>,
    viewer: Viewer,
    epoch: Epoch,
    seq: u32,
    view_back: f32,
    dropped: bool,
    close: Option<Close>,
}

impl<G: Game> TestRoom<G> {
    /// A room called `test`, in a world with seed 0, where dropped members may stay away for
    /// 10 s.
    ///
    /// # Panics
    /// If the game refuses to open; see [`TestRoom::try_open`].
    pub fn open(settings: G::Settings) -> Self {
        Self::try_open(settings, 0).expect("the room opens")
    }

    /// A room in a world with this seed.
    ///
    /// # Errors
    /// What the game says against it.
    pub fn try_open(settings: G::Settings, world_seed: u64) -> Result<Self, OpenError> {
        Self::open_with(settings, world_seed, &JobThreads::none())
    }

    /// The same, with jobs that run on threads.
    ///
    /// # Errors
    /// What the game says against it.
    pub fn open_with(
        settings: G::Settings,
        world_seed: u64,
        threads: &JobThreads,
    ) -> Result<Self, OpenError> {
        let counters = Arc::<Counters>::default();
        let workshop = Workshop {
            pool: threads.pool.clone(),
            counters: Arc::clone(&counters),
        };
        let grace_ticks = 10 * u32::from(G::tick_rate_hz(&settings));
        let sim = Sim::open(&Start {
            game: G::NAME.into(),
            name: "test".into(),
            world_seed,
            settings,
            grace_ticks,
            workshop,
            outlet: Outlet::Kept,
        })?;
        Ok(Self {
            sim,
            entered: Vec::new(),
            members: BTreeMap::new(),
            next_player: 1,
            ended: None,
            wants: Wants::default(),
            frame: Frame::default(),
            desk: Desk::default(),
            counters,
        })
    }

    /// Joins, and steps once for the answer.
    ///
    /// # Errors
    /// The game's refusal.
    pub fn join(&mut self, name: &str) -> Result<PlayerId, Refusal> {
        self.join_as(name, G::Profile::default())
    }

    /// Joins with a profile, and steps once for the answer.
    ///
    /// # Errors
    /// The game's refusal.
    ///
    /// # Panics
    /// If the room has ended.
    pub fn join_as(&mut self, name: &str, profile: G::Profile) -> Result<PlayerId, Refusal> {
        let id = PlayerId::new(self.next_player);
        self.next_player += 1;
        let epoch = 1;
        let player = Player {
            id,
            name: name.into(),
            profile,
            user: None,
        };
        self.entered.push(RoomIn::Join { player, epoch });
        self.step_once();
        let seat = self
            .frame
            .join(id, epoch)
            .expect("a step answers the joins before it")?;
        let mut view = View::new();
        let welcome = Welcome {
            player: id.number(),
            seat,
            tick: self.frame.tick,
            tick_rate_hz: self.sim.room.tick_rate_hz,
            space: self.sim.room.space,
            game: G::NAME.into(),
            room: "test".into(),
            name: name.into(),
            taken: 0,
            resume: String::new(),
        };
        view.apply(&welcome.encode())
            .expect("our own encoders write what we read");
        let seated = Seated {
            view,
            viewer: Viewer::new(id),
            epoch,
            seq: 0,
            view_back: 1.0,
            dropped: false,
            close: None,
        };
        self.members.insert(id, seated);
        self.show();
        Ok(id)
    }

    /// Asks for something at the next step.
    ///
    /// # Panics
    /// If there never was such a member.
    pub fn input(&mut self, player: PlayerId, input: G::Input) {
        let seated = self.members.get_mut(&player).expect("a member that joined");
        seated.seq += 1;
        let seq = seated.seq;
        self.entered.push(RoomIn::Input {
            player,
            epoch: seated.epoch,
            seq,
            view_back: seated.view_back,
            input,
        });
    }

    /// From now on what this member acts on is so old when its inputs are applied: for games that
    /// rewind.
    ///
    /// Units: ticks.
    ///
    /// # Panics
    /// If there never was such a member.
    pub fn lag(&mut self, player: PlayerId, view_back: f32) {
        self.members
            .get_mut(&player)
            .expect("a member that joined")
            .view_back = view_back;
    }

    /// Leaves for good at the next step.
    pub fn leave(&mut self, player: PlayerId) {
        self.push_leave(player, false);
    }

    /// Breaks the connection at the next step; the member may come back for 10 s of game time.
    ///
    /// # Panics
    /// If there never was such a member.
    pub fn drop(&mut self, player: PlayerId) {
        self.members
            .get_mut(&player)
            .expect("a member that joined")
            .dropped = true;
        self.push_leave(player, true);
    }

    fn push_leave(&mut self, player: PlayerId, may_resume: bool) {
        let epoch = self.members.get(&player).map_or(0, |seated| seated.epoch);
        self.entered.push(RoomIn::Leave {
            player,
            epoch,
            may_resume,
            missed: Vec::new(),
        });
    }

    /// Comes back at the next step.
    ///
    /// # Panics
    /// If there never was such a member.
    pub fn resume(&mut self, player: PlayerId) {
        let seated = self.members.get_mut(&player).expect("a member that joined");
        seated.dropped = false;
        seated.viewer.miss_unseen(0);
        seated.epoch += 1;
        let epoch = seated.epoch;
        self.entered.push(RoomIn::Resume { player, epoch });
        self.step(1);
    }

    /// Lets `ticks` steps pass.
    ///
    /// # Panics
    /// If the game does, or the room has ended before.
    pub fn step(&mut self, ticks: u32) {
        for _ in 0..ticks {
            self.step_once();
            self.show();
        }
    }

    /// One step that nobody looks at, for benches: answers the bytes that its cells would send.
    ///
    /// # Panics
    /// As [`TestRoom::step`].
    pub fn step_unseen(&mut self) -> usize {
        self.step_once();
        self.frame.bytes()
    }

    /// What a member sees.
    ///
    /// # Panics
    /// If there never was such a member.
    pub fn view(&self, player: PlayerId) -> &View<G> {
        &self
            .members
            .get(&player)
            .expect("a member that joined")
            .view
    }

    /// The events that a member got since the last call.
    ///
    /// # Panics
    /// If there never was such a member.
    pub fn events(&mut self, player: PlayerId) -> Vec<G::Event> {
        let seated = self.members.get_mut(&player).expect("a member that joined");
        std::mem::take(&mut seated.view.events)
    }

    /// How a member was thrown out, or the room ended.
    pub fn closed(&self, player: PlayerId) -> Option<Close> {
        self.members
            .get(&player)
            .and_then(|seated| seated.close)
            .or(self.ended)
    }

    /// The room, as the game sees it.
    pub const fn room(&mut self) -> &mut Room<G> {
        &mut self.sim.room
    }

    /// The game itself.
    pub const fn game(&mut self) -> &mut G {
        &mut self.sim.game
    }

    /// What its jobs were counted as.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A number that two rooms share if and only if, as far as anybody can tell, the same is the
    /// case in them: the game, its entities, shared and private state.
    pub fn hash(&self) -> u64 {
        let Sim { game, room, .. } = &self.sim;
        let mut bytes = codec::encode(&(room.tick.number(), game, room.shared()));
        for (id, entity) in room.entities() {
            let owner = room.owner(id).map(PlayerId::number);
            bytes.extend(codec::encode(&(id, owner, entity)));
        }
        for (player, member) in &room.members {
            bytes.extend(codec::encode(&(player, member.private.value())));
        }
        fnv1a(&bytes)
    }

    /// From now on keeps what jobs came to, for [`TestRoom::replay_jobs`] of another room.
    pub fn record_jobs(&mut self) {
        self.sim.room.jobs.keep_record();
    }

    /// What jobs came to since the last call.
    pub fn take_job_record(&mut self) -> Vec<AppliedJob<<G::Job as Job>::Output>> {
        self.sim.room.jobs.take_record()
    }

    /// From now on jobs come to what was recorded, when it was recorded. Strict ones that are not
    /// in the record are run when they are due; others wait for more of it.
    pub fn replay_jobs(
        &mut self,
        record: impl IntoIterator<Item = AppliedJob<<G::Job as Job>::Output>>,
    ) {
        self.sim.room.jobs.follow(record);
    }

    fn step_once(&mut self) {
        assert!(self.ended.is_none(), "the room has ended");
        let entered = self.entered.drain(..);
        self.sim.step(entered, &self.wants, &mut self.frame);
        self.wants = Wants::default();
        self.ended = self.frame.end;
    }

    /// Shows the frame to everybody who is connected, through the same messages and the same
    /// decoder as over a socket.
    fn show(&mut self) {
        for (&player, seated) in &mut self.members {
            if seated.dropped || seated.close.is_some() {
                continue;
            }
            let Some(part) = seated.viewer.part(&self.frame) else {
                continue;
            };
            seated.close = part.close;
            let view = &mut seated.view;
            let mut show = |message: bytes::Bytes| {
                view.apply(&message)
                    .expect("our own encoders write what we read");
            };
            let (frame, desk) = (&self.frame, &mut self.desk);
            let (_, want) = seated
                .viewer
                .take_frame(frame, part, false, 0, desk, &mut show);
            self.wants.members.extend(want.map(|want| (player, want)));
        }
        self.desk.bodies.prune(self.frame.tick);
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::game::{Seat, To};

    #[derive(Serialize, Deserialize)]
    struct Bell;

    #[crate::game]
    impl Game for Bell {
        const NAME: &'static str = "bell";
        type Input = ();

        fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
            Ok(Self)
        }

        fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
            Ok(Seat::Player)
        }

        fn input(&mut self, room: &mut Room<Self>, _: PlayerId, (): ()) {
            room.emit(&(), To::All);
        }
    }

    #[test]
    fn events_without_contents_arrive() {
        let mut room = TestRoom::<Bell>::open(());
        let ada = room.join("Ada").expect("let in");
        for _ in 0..3 {
            room.input(ada, ());
        }
        room.step(1);
        assert_eq!(room.events(ada), [(); 3]);
    }
}

//! The smallest games to look at the engine with.

use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat, To};
use serde::{Deserialize, Serialize};

/// A game whose state changes every tick, and that does what its players tell it to.
#[derive(Serialize, Deserialize)]
pub struct Probe {
    settings: Settings,
}

/// What a probe does by itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Nothing changes unless somebody asks.
    pub quiet: bool,
    /// Refuses to open.
    pub broken: bool,
    /// Ticks per second; 0 is 20.
    pub tick_rate_hz: u16,
}

/// What everybody sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Count {
    /// Ticks, unless quiet.
    pub ticks: u32,
    /// Sum of all that players added.
    pub sum: u64,
    /// How often the room was opened, joined, left.
    pub joined: u32,
    /// Leaves.
    pub left: u32,
    /// Drops.
    pub dropped: u32,
}

/// What a player may tell it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// Adds to the sum.
    Add(u64),
    /// Panics.
    Panic,
    /// Ends the room.
    Close,
    /// Throws the asker out.
    KickMe,
    /// Tells somebody.
    Tell(u32, String),
    /// Tells everybody.
    TellAll(String),
    /// Takes this much state with it in one event.
    Fill(u32),
    /// Panics with something that panics when it is dropped.
    PanicTwice,
    /// Makes the asker a spectator.
    Watch,
    /// Cannot be decoded without a panic.
    Mine(Mine),
}

/// Whatever reads it from bytes panics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "u8")]
pub struct Mine;

impl From<u8> for Mine {
    fn from(_: u8) -> Self {
        panic!("stepped on")
    }
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("once more")
    }
}

#[downbeat::game]
impl Game for Probe {
    const NAME: &'static str = "probe";
    type Settings = Settings;
    type Shared = Count;
    type Input = Order;
    type Event = String;

    fn tick_rate_hz(settings: &Settings) -> u16 {
        match settings.tick_rate_hz {
            0 => Self::TICK_RATE_HZ,
            rate => rate,
        }
    }

    fn open(settings: &Settings, _: &mut Room<Self>) -> Result<Self, OpenError> {
        if settings.broken {
            return Err(OpenError("broken on purpose".into()));
        }
        Ok(Self {
            settings: settings.clone(),
        })
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        if player.name == "nobody" {
            return Err(Refusal::new("nobody stays out"));
        }
        room.shared_mut().joined += 1;
        room.emit(&format!("hello {}", player.name), To::Player(player.id));
        Ok(match player.name.as_str() {
            "watcher" => Seat::Spectator,
            _ => Seat::Player,
        })
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, order: Order) {
        match order {
            Order::Add(n) => room.shared_mut().sum += n,
            Order::Panic => panic!("told to"),
            Order::PanicTwice => std::panic::panic_any(PanicsInDrop),
            Order::Watch => room.set_seat(player, Seat::Spectator),
            Order::Mine(Mine) => {}
            Order::Close => room.close(),
            Order::KickMe => room.kick(player, "as you wish"),
            Order::Tell(whom, text) => room.emit(&text, To::Player(PlayerId::new(whom))),
            Order::TellAll(text) => room.emit(&text, To::All),
            Order::Fill(bytes) => room.emit(&"x".repeat(bytes as usize), To::All),
        }
    }

    fn tick(&mut self, room: &mut Room<Self>) {
        if !self.settings.quiet {
            room.shared_mut().ticks += 1;
        }
    }

    fn leave(&mut self, room: &mut Room<Self>, _: PlayerId) {
        room.shared_mut().left += 1;
    }

    fn dropped(&mut self, room: &mut Room<Self>, _: PlayerId) {
        room.shared_mut().dropped += 1;
    }
}

//! The games that ship with Downbeat, each with a bot: examples of rules, and what load tests run.
//!
//! They use nothing but the public interface of `downbeat` (and, where the store is asked, of
//! `downbeat-server`), as a game of one's own does.

pub mod arena;
pub mod chat;

mod heading;
mod meadow;
mod tally;
mod tag;

pub use crate::arena::Arena;
pub use crate::chat::Chat;
pub use crate::meadow::{
    Ask, Entity, Event, Found, Gate, Input, JobsShown, Kind, Meadow, Point, Private, Route,
    Settings, Shared, Timer, Top, Walk, Way,
};
pub use crate::tag::{Runner, Tag};
pub use crate::tally::{Ballot, Tally, Vote};

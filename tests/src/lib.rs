//! Games that exist only to be tested, written as a user would write them.
//!
//! `quiz` has no bodies, `shooter` has teams and secrets; together they use all that `Room` offers.

pub mod stage;
pub mod probe;
pub mod recorded;
pub mod duel;
pub mod quiz;
pub mod mill;
pub mod shooter;
pub mod talk;
pub mod poll;

#[doc = include_str!("../../README.md")]
#[cfg(doctest)]
pub struct Readme;

#[doc = include_str!("../../docs/replication.md")]
#[cfg(doctest)]
pub struct ReplicationChapter;

#[doc = include_str!("../../docs/jobs.md")]
#[cfg(doctest)]
pub struct JobsChapter;

#[doc = include_str!("../../docs/layer.md")]
#[cfg(doctest)]
pub struct LayerChapter;

#[doc = include_str!("../../docs/paths.md")]
#[cfg(doctest)]
pub struct PathsChapter;

#[doc = include_str!("../../docs/store.md")]
#[cfg(doctest)]
pub struct StoreChapter;

#[doc = include_str!("../../docs/blocking.md")]
#[cfg(doctest)]
pub struct BlockingChapter;

#[doc = include_str!("../../docs/debugging.md")]
#[cfg(doctest)]
pub struct DebuggingChapter;

//! Serves Downbeat games: HTTP and WebSockets on one port, metrics on another, a command line.
//!
//! A program hands its games to [`App`] and is a server. The way of a connection, which is also
//! the order of the modules:
//!
//! ```text
//! connection (accept, limits) → http (routes) → gate (who may in) → upgrade (101, hello)
//!     → ws_link → a room task of the engine
//! ```
//!
//! This crate knows no game: where it forgets their types is `registry`.

pub mod config;

mod limits;
mod app;
mod cli;
mod logs;
mod running;
mod server;
mod registry;
mod admission;
mod connection;
mod http;
mod origin;
mod gate;
mod names;
mod upgrade;
mod socket;
mod ws_link;
mod json_link;
mod member_link;
mod metrics;
mod load;
mod types;
mod vectors;
mod paths;
mod new;
mod dev;

pub use crate::app::App;
pub use crate::config::Config;
pub use crate::http::Page;
pub use crate::origin::{BadOrigin, OriginPattern};
pub use crate::registry::GameOptions;
pub use crate::running::{Running, StartError, StopError};

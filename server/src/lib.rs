//! Serves Downbeat games: HTTP and WebSockets on one port, metrics on another, a command line.
//!
//! A program hands its games to [`App`] and is a server. The way of a connection, which is also
//! the order of the modules:
//!
//! ```text
//! connection (accept, TLS, limits) → http (routes) → gate (who may in) → upgrade (101, hello)
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
mod databases;
mod store;
mod blocking;
mod views;
mod registry;
mod admission;
mod proxy;
mod stream;
mod tls;
mod connection;
mod http;
mod routes;
mod auth;
mod origin;
mod gate;
mod names;
mod upgrade;
mod socket;
mod ws_link;
mod local_link;
mod json_link;
mod member_link;
mod layer;
mod layer_unix;
mod layer_redis;
mod services;
mod workers;
mod sources;
mod metrics;
mod admin;
mod send;
mod load;
mod types;
mod vectors;
mod paths;
mod new;
mod dev;

pub use crate::app::App;
pub use crate::blocking::{Blocking, BlockingCounts, BlockingError};
pub use crate::config::Config;
pub use crate::databases::{Database, DatabaseError, DatabaseUrl, Row, UnknownDatabase, Value};
pub use crate::gate::jwt::BadJwtKey;
pub use crate::gate::scope::{Denied, Scope, User, UserKind};
pub use crate::http::Page;
pub use crate::layer::{LayerStartError, start_layer};
pub use crate::layer_redis::RedisLayer;
pub use crate::layer_unix::UnixLayer;
pub use crate::local_link::{Closed, Peer};
pub use crate::member_link::Speech;
pub use crate::origin::{BadOrigin, OriginPattern};
pub use crate::registry::{Admit, Answer, GameOptions, Pending};
pub use crate::routes::Routes;
pub use crate::running::{Running, StartError, StopError};
pub use crate::services::Services;
pub use crate::sources::{NotConnected, Visit};
pub use crate::store::{Account, ChatRow, SessionRow, Store, StoreError, StoreHealth};
pub use crate::tls::BadTls;
pub use crate::workers::WorkerOptions;
pub use axum;
pub use downbeat::{BadUserId, UserId};

//! A server in this process, over real loopback sockets.

mod stage;
mod joining;
mod handshake;
mod json;
mod schema;
mod offences;
mod hostile;
mod offenders;
mod http;
mod accounts;
mod gate;
mod endings;
mod tls;
mod sources;
mod workers;
mod admin;
mod lifecycle;
mod process;
mod store;

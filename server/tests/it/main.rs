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
mod lifecycle;
mod process;

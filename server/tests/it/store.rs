//! The store on all databases, with the real servers: one suite, and faults.

pub(crate) mod services;
mod proxy;
mod disk;
mod suite;
mod faults;
mod held;
mod sqlite_faults;
mod server;
mod own;

//! The layer over Redis: what holds in both formats, what happens when Redis does not, and Django
//! Channels on the same Redis.

mod guard;
mod inbox;
mod suite;
mod happy;
mod semantics;
mod faults;
mod healing;
mod django;
mod channels;

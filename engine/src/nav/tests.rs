//! Routes as a game would use them, played tick by tick without a room.

mod asks;
mod crowds;
mod edits;
mod herds;
mod play;

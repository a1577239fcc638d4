//! Path finding against an oracle: Dijkstra's algorithm of the `pathfinding` crate, square by
//! square, on thousands of generated problems; and against the listed lengths of public maps.

mod maps;
mod generated;
mod edits;
mod budgets;
mod labels;
mod state;
mod scenarios;

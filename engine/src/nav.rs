//! Ways over a grid of squares: where one may walk, and the shortest path to there.
//!
//! In: a [`NavGrid`], which the game edits as walls appear and vanish, a start and some goals. Out:
//! a [`Path`], the same one on every machine. Rules of movement are those of the MovingAI
//! benchmarks and the Grid-based Path Planning Competition: eight directions, and a diagonal step
//! needs both squares that it passes between. Knows nothing of agents, rooms or threads: a grid is
//! data, a search is a function, and [`Job`](crate::Job)s carry them off the tick.

#![allow(dead_code, reason = "the search proper follows")]

mod square;
mod layer;
mod labels;
mod grid;
mod path;
mod tables;
mod search;

pub use grid::NavGrid;
pub use path::Path;
pub use search::find_path;
pub use square::{DIAGONAL, STRAIGHT, Square};
pub use tables::Tables;

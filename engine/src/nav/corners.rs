//! `Corners`: the graph of a grid's corners, each with what scans from it would find.

use super::grid::{NavGrid, column, row};
use super::layer::Layer;
use super::pivots::{LANES, Lanes};
use super::ranks::Ranks;
use super::scan::{self, Ways};
use super::square::Square;
use crate::job::Meter;

/// A corner; it fills a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Corner {
    pub(crate) at: Square,
    /// Its first edge.
    first: u32,
    /// Of the edges of each way, in the order of the bits of [`Ways`], how many there are up to
    /// and with it.
    ends: [u16; 8],
    /// How far each diagonal goes.
    reach: [u16; 4],
    /// Distances to the pivots.
    pub(crate) lanes: Lanes,
}

/// From one corner to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    /// Number of the corner in the upper 24 bits, ways on from there in the lower 8.
    to: u32,
    pub(crate) cost: u32,
}

impl Edge {
    pub(crate) fn to(self) -> u32 {
        self.to >> 8
    }

    pub(crate) fn ways(self) -> Ways {
        self.to.to_le_bytes()[0]
    }
}

/// The graph of a grid's corners.
#[derive(Clone, Debug)]
pub(crate) struct Corners {
    ranks: Ranks,
    corners: Vec<Corner>,
    edges: Vec<Edge>,
}

impl Corners {
    /// Scans from each corner; none when the meter ends.
    pub(crate) fn build(
        grid: &NavGrid,
        lanes: impl Fn(Square) -> Lanes,
        meter: &mut Meter<'_>,
    ) -> Option<Self> {
        let mut set = Layer::blocked(grid.height(), grid.width());
        let squares = || {
            (0..grid.height()).flat_map(|y| {
                grid.rows()
                    .runs(usize::from(y) + 1)
                    .flat_map(move |(from, to)| {
                        (from..to).map(move |place| {
                            #[expect(
                                clippy::cast_possible_truncation,
                                reason = "a place of a line"
                            )]
                            Square::new((place - 1) as u16, y)
                        })
                    })
            })
        };
        for at in squares() {
            if scan::ways_from_corner(grid, at) != 0 {
                set.set(row(at), column(at), true);
            }
        }
        let ranks = Ranks::of(set);
        let mut corners = Vec::with_capacity(ranks.count());
        let mut edges = Vec::new();
        for at in ranks.squares(grid.height()) {
            let (corner, work) = scan_corner(grid, &ranks, at, &mut edges);
            corners.push(Corner {
                lanes: lanes(at),
                ..corner
            });
            if !meter.spend(1 + work / 8) {
                return None;
            }
        }
        edges.shrink_to_fit();
        Some(Self {
            ranks,
            corners,
            edges,
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.corners.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.corners[..]) + size_of_val(&self.edges[..])
    }

    /// The number of a corner.
    #[inline]
    pub(crate) fn rank(&self, at: Square) -> u32 {
        self.ranks.rank(at)
    }

    #[inline]
    pub(crate) fn corner(&self, number: u32) -> &Corner {
        &self.corners[number as usize]
    }

    /// The edges of a corner along the ways in a row that begin with `way`.
    #[inline]
    pub(crate) fn edges(&self, corner: &Corner, way: usize) -> &[Edge] {
        let from = if way == 0 { 0 } else { corner.ends[way - 1] };
        let first = corner.first as usize;
        &self.edges[first + usize::from(from)..first + usize::from(corner.ends[way])]
    }
}

impl Corner {
    /// Whether one can walk from here to a square diagonally first and then straight.
    #[inline]
    pub(crate) fn sees(&self, grid: &NavGrid, to: Square) -> bool {
        let turn = scan::turn(self.at, to);
        let (east, south) = (to.x > self.at.x, to.y > self.at.y);
        let quadrant = match (east, south) {
            (true, false) => 0,
            (true, true) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        turn.x.abs_diff(self.at.x) <= self.reach[quadrant]
            && scan::is_clear_straight(grid, turn, to)
    }
}

fn scan_corner(grid: &NavGrid, ranks: &Ranks, at: Square, edges: &mut Vec<Edge>) -> (Corner, u32) {
    let count = |edges: &Vec<Edge>| u32::try_from(edges.len()).expect("fewer edges than 2³²");
    let first = count(edges);
    let ways = scan::ways_from_corner(grid, at);
    let mut corner = Corner {
        at,
        first,
        ends: [0; 8],
        reach: [0; 4],
        lanes: [0; LANES],
    };
    let mut work = 0;
    for way in 0..8 {
        let mut visit = |found: scan::Found| {
            let to = ranks.rank(found.at) << 8 | u32::from(found.ways);
            edges.push(Edge {
                to,
                cost: found.cost,
            });
        };
        if ways >> way & 1 == 1 {
            if way < 4 {
                scan::straight(grid, at, way)
                    .into_iter()
                    .for_each(&mut visit);
            } else {
                corner.reach[way - 4] = scan::diagonal(grid, at, way - 4, &mut visit);
                work += u32::from(corner.reach[way - 4]);
            }
        }
        corner.ends[way] = u16::try_from(count(edges) - first).expect("two for each step at most");
    }
    (corner, work)
}

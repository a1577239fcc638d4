//! `Corners`: the graph of a grid's corners, each with what scans from it would find.

use super::far;
use super::grid::{NavGrid, column, row};
use super::layer::Layer;
use super::pivots::Lanes;
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
    /// If all goals are farther away than this, its far edges will do. Units: costs.
    pub(super) far_from: u32,
    /// Of the edges of each way, in the order of the bits of [`Ways`], how many there are up to
    /// and with it.
    ends: [u16; 8],
    /// Distances to the pivots.
    pub(crate) lanes: Lanes,
}

/// From one corner to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Number of the corner in the upper 24 bits, ways on from there in the lower 8.
    to: u32,
    pub(crate) cost: u32,
}

impl Edge {
    /// Leads nowhere.
    pub(super) const DEAD: Self = Self {
        to: u32::MAX,
        cost: 0,
    };

    pub(crate) fn to(self) -> u32 {
        self.to >> 8
    }

    pub(crate) fn ways(self) -> Ways {
        self.to.to_le_bytes()[0]
    }

    /// This edge and then another one.
    pub(super) fn and(self, next: Self) -> Self {
        Self {
            to: next.to,
            cost: self.cost.saturating_add(next.cost),
        }
    }
}

impl Corner {
    /// Places of its edges by these ways.
    #[inline]
    pub(super) fn edges(&self, ways: Ways) -> impl Iterator<Item = std::ops::Range<usize>> {
        let mut left = ways;
        std::iter::from_fn(move || {
            (left != 0).then(|| {
                let way = left.trailing_zeros() as usize;
                left &= left - 1;
                let from = if way == 0 { 0 } else { self.ends[way - 1] };
                let first = self.first as usize;
                first + usize::from(from)..first + usize::from(self.ends[way])
            })
        })
    }
}

/// The graph of a grid's corners.
#[derive(Clone, Debug)]
pub(crate) struct Corners {
    ranks: Ranks,
    corners: Vec<Corner>,
    /// How far each diagonal from each corner goes.
    reach: Vec<[u16; 4]>,
    /// What scans from each corner find.
    near: Vec<Edge>,
    /// In the same places, edges past corners that only lead on, or nowhere.
    far: Vec<Edge>,
}

impl Corners {
    /// Scans from each corner; none when the meter ends.
    pub(crate) fn build(
        grid: &NavGrid,
        lanes: impl Fn(Square) -> Lanes,
        meter: &mut Meter<'_>,
    ) -> Option<Self> {
        let mut set = Layer::blocked(grid.height(), grid.width());
        for at in grid.rows().squares(grid.height()) {
            if scan::ways_from_corner(grid, at) != 0 {
                set.set(row(at), column(at), true);
            }
        }
        let ranks = Ranks::of(set);
        assert!(
            ranks.count() < Edge::DEAD.to() as usize,
            "corners are counted in 24 bits"
        );
        let mut graph = Self {
            corners: Vec::with_capacity(ranks.count()),
            reach: Vec::with_capacity(ranks.count()),
            ranks,
            near: Vec::new(),
            far: Vec::new(),
        };
        let mut sights = Vec::with_capacity(graph.ranks.count());
        let squares: Vec<Square> = graph.ranks.set().squares(grid.height()).collect();
        for at in squares {
            let (corner, reach) = graph.scan(grid, at, lanes(at));
            graph.corners.push(corner);
            graph.reach.push(reach);
            sights.push(scan::sight(grid, at, scan::ways_from_corner(grid, at)));
            if !meter.spend(2 + u32::from(reach.iter().sum::<u16>()) / 4) {
                return None;
            }
        }
        graph.near.shrink_to_fit();
        graph.far = far::edges(&mut graph.corners, &graph.near, &sights);
        Some(graph)
    }

    /// A corner, and how far diagonals go from it; its edges are added to the near ones.
    fn scan(&mut self, grid: &NavGrid, at: Square, lanes: Lanes) -> (Corner, [u16; 4]) {
        let first = self.near.len();
        let ways = scan::ways_from_corner(grid, at);
        let (mut ends, mut reach) = ([0; 8], [0; 4]);
        for way in 0..8 {
            let mut visit = |found: scan::Found| {
                let to = self.ranks.rank(found.at) << 8 | u32::from(found.ways);
                self.near.push(Edge {
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
                    reach[way - 4] = scan::diagonal(grid, at, way - 4, &mut visit);
                }
            }
            let count = self.near.len() - first;
            ends[way] = u16::try_from(count).expect("two for each step at most");
        }
        let first = u32::try_from(first).expect("fewer edges than 2³²");
        (
            Corner {
                at,
                first,
                far_from: 0,
                ends,
                lanes,
            },
            reach,
        )
    }

    pub(crate) fn count(&self) -> usize {
        self.corners.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.corners[..])
            + size_of_val(&self.reach[..])
            + size_of_val(&self.near[..])
            + size_of_val(&self.far[..])
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

    /// The edges of a corner by these ways that a search needs whose goals are so far away.
    #[inline]
    pub(crate) fn edges(
        &self,
        corner: &Corner,
        ways: Ways,
        goals: u32,
    ) -> impl Iterator<Item = &[Edge]> {
        let edges = if goals > corner.far_from {
            &self.far
        } else {
            &self.near
        };
        corner.edges(ways).map(|range| &edges[range])
    }

    /// Whether one can walk from a corner to a square diagonally first and then straight.
    #[inline]
    pub(crate) fn sees(&self, grid: &NavGrid, number: u32, to: Square) -> bool {
        let at = self.corner(number).at;
        let turn = scan::turn(at, to);
        let reach = self.reach[number as usize][scan::quadrant(at, to)];
        turn.x.abs_diff(at.x) <= reach && scan::is_clear_straight(grid, turn, to)
    }

    /// The corners that an edge from one corner to another passes, in order.
    pub(crate) fn passed(&self, from: u32, to: u32, cost: u32, passed: &mut Vec<Square>) {
        let is_it = |edge: Edge| edge.to() == to && edge.cost == cost;
        let all = || self.corner(from).edges(scan::ALL_WAYS).flatten();
        if all().any(|place| is_it(self.near[place])) {
            return;
        }
        let Some(place) = all().find(|&place| is_it(self.far[place])) else {
            return;
        };
        let mut edge = self.near[place];
        while !is_it(edge) {
            let corner = self.corner(edge.to());
            passed.push(corner.at);
            let mut on = corner.edges(edge.ways()).flatten();
            let Some(place) = on.find(|&place| self.far[place] != Edge::DEAD) else {
                return;
            };
            edge = edge.and(self.near[place]);
        }
    }
}

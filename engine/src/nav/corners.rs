//! `Corners`: the graph of a grid's corners, each with what scans from it would find.

use std::ops::Range;

use super::far::FarEdges;
use super::grid::{NavGrid, column, row};
use super::ground::Origin;
use super::layer::Layer;
use super::pivots::Lanes;
use super::ranks::Ranks;
use super::scan::{self, ALL_WAYS, Ways};
use super::square::Square;
use crate::job::Meter;

/// Edges of a corner: a list for each way, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lists {
    first: u32,
    /// Of the edges by each way, in the order of the bits of [`Ways`], how many there are up to
    /// and with it.
    ends: [u16; 8],
}

/// A corner; it fills a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Corner {
    pub(crate) at: Square,
    /// If all goals are farther away than this, its far edges will do. Units: costs.
    far_from: u32,
    far: Lists,
    /// Distances to the pivots.
    pub(crate) lanes: Lanes,
}

const _: () = assert!(size_of::<Corner>() == 64, "a corner fills a cache line");

/// From one corner to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// This edge and then another one.
    pub(super) fn and(self, next: Self) -> Self {
        Self {
            to: next.to,
            cost: self.cost.saturating_add(next.cost),
        }
    }
}

impl Lists {
    /// Begins at the end of what there is.
    pub(super) fn after<T>(edges: &[T]) -> Self {
        let first = u32::try_from(edges.len()).expect("fewer edges than 2³²");
        Self {
            first,
            ends: [0; 8],
        }
    }

    /// The list of a way ends at the end of what there is.
    pub(super) fn end<T>(&mut self, way: usize, edges: &[T]) {
        let count = edges.len() - self.first as usize;
        self.ends[way] = u16::try_from(count).expect("two for each step at most");
    }

    /// Places of the edges by these ways, of neighbouring ways together.
    #[inline]
    pub(super) fn places(self, ways: Ways) -> impl Iterator<Item = Range<usize>> {
        let mut left = ways;
        let first = self.first as usize;
        std::iter::from_fn(move || {
            (left != 0).then(|| {
                let from = left.trailing_zeros() as usize;
                let to = from + (!(left >> from)).trailing_zeros() as usize;
                left = (u32::from(left) >> to << to).to_le_bytes()[0];
                let before = if from == 0 { 0 } else { self.ends[from - 1] };
                first + usize::from(before)..first + usize::from(self.ends[to - 1])
            })
        })
    }
}

/// The graph of a grid's corners.
#[derive(Clone, Debug)]
pub(crate) struct Corners {
    ranks: Ranks,
    corners: Vec<Corner>,
    far: Vec<Edge>,
    /// With which near edge each far one begins.
    begins: Vec<u32>,
    near: Near,
}

/// What scans from each corner find.
#[derive(Clone, Debug, Default)]
pub(super) struct Near {
    pub(super) lists: Vec<Lists>,
    pub(super) edges: Vec<Edge>,
    /// How far each diagonal goes.
    reach: Vec<[u16; 4]>,
    /// How far away a square may be that a walk from there sees. Units: costs.
    pub(super) sights: Vec<u32>,
}

impl Near {
    fn scan(&mut self, grid: &NavGrid, ranks: &Ranks, at: Square) -> u32 {
        let mut lists = Lists::after(&self.edges);
        let ways = scan::ways_from_corner(grid, at);
        let mut reach = [0; 4];
        for way in 0..8 {
            let mut visit = |found: scan::Found| {
                let to = ranks.rank(found.at) << 8 | u32::from(found.ways);
                self.edges.push(Edge {
                    to,
                    cost: found.cost,
                });
            };
            if ways >> way & 1 == 1 {
                if way % 2 == 0 {
                    scan::straight(grid, at, way / 2)
                        .into_iter()
                        .for_each(&mut visit);
                } else {
                    reach[way / 2] = scan::diagonal(grid, at, way / 2, &mut visit);
                }
            }
            lists.end(way, &self.edges);
        }
        self.lists.push(lists);
        self.reach.push(reach);
        self.sights.push(scan::sight(grid, at, ways));
        2 + u32::from(reach.iter().sum::<u16>()) / 4
    }
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
        assert!(ranks.count() < 1 << 24, "corners are counted in 24 bits");
        let mut near = Near::default();
        for at in ranks.set().squares(grid.height()) {
            let work = near.scan(grid, &ranks, at);
            if !meter.spend(work) {
                return None;
            }
        }
        let FarEdges {
            lists,
            edges: far,
            begins,
        } = FarEdges::of(&near);
        let corner = |(at, (far, far_from))| Corner {
            at,
            far_from,
            far,
            lanes: lanes(at),
        };
        let corners = ranks
            .set()
            .squares(grid.height())
            .zip(lists)
            .map(corner)
            .collect();
        Some(Self {
            ranks,
            corners,
            far,
            begins,
            near,
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.corners.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.corners[..])
            + size_of_val(&self.far[..])
            + size_of_val(&self.begins[..])
            + size_of_val(&self.near.lists[..])
            + size_of_val(&self.near.edges[..])
            + size_of_val(&self.near.reach[..])
            + size_of_val(&self.near.sights[..])
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
    pub(crate) fn edges(&self, from: Origin) -> impl Iterator<Item = &[Edge]> {
        let corner = self.corner(from.key);
        let (lists, edges) = if from.goals > corner.far_from {
            (corner.far, &self.far)
        } else {
            (self.near.lists[from.key as usize], &self.near.edges)
        };
        lists.places(from.ways).map(|places| &edges[places])
    }

    /// Whether one can walk from a corner to a square diagonally first and then straight.
    #[inline]
    pub(crate) fn sees(&self, grid: &NavGrid, number: u32, to: Square) -> bool {
        let at = self.corner(number).at;
        let turn = scan::turn(at, to);
        let reach = self.near.reach[number as usize][scan::quadrant(at, to)];
        turn.x.abs_diff(at.x) <= reach && scan::is_clear_straight(grid, turn, to)
    }

    /// The corners that an edge from one corner to another passes, in order.
    pub(crate) fn passed(&self, from: u32, to: u32, cost: u32, passed: &mut Vec<Square>) {
        let is_it = |edge: Edge| edge.to() == to && edge.cost == cost;
        let mut near = self.near.lists[from as usize].places(ALL_WAYS).flatten();
        if near.any(|place| is_it(self.near.edges[place])) {
            return;
        }
        let mut far = self.corner(from).far.places(ALL_WAYS).flatten();
        let mut next = far.find(|&place| is_it(self.far[place]));
        let mut so_far = Edge { to: 0, cost: 0 };
        while let Some(place) = next {
            so_far = so_far.and(self.near.edges[self.begins[place] as usize]);
            if is_it(so_far) {
                return;
            }
            // One of those that offer no choice.
            let corner = self.corner(so_far.to());
            passed.push(corner.at);
            next = corner.far.places(so_far.ways()).flatten().next();
        }
    }
}

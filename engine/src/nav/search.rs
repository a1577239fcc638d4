//! `find_path`: a shortest path from one square to the nearest of several.

use std::cell::RefCell;

use super::grid::NavGrid;
use super::ground::{Ground, Known, Live, Origin, Target};
use super::nodes::Nodes;
use super::open::Open;
use super::path::Path;
use super::scan::{ALL_WAYS, turn};
use super::square::{COST_MAX, Square};
use crate::job::{Answer, Meter};
use crate::limits::NAV_GOALS_MAX;

thread_local! {
    /// What searches on this thread work with, one after the other.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// Finds a shortest path to the nearest of `goals`.
///
/// `Partial` when the meter ends: the way to the place nearest to a goal of those that were looked
/// at. `NoPath` if the start is a wall, or no goal can be reached. The answer depends on the grid's
/// squares, its tables and the budget alone.
///
/// A\* over the corners of walls, which scans of the grid's bits find 64 squares at a time. With
/// [`Tables`](super::Tables) for exactly these squares it does not scan but look up, and with those
/// of a grid that had fewer walls it scans but knows better where to look.
///
/// Shape: 1 to 64 goals; those that are walls or out of reach are left out.
/// Units: an expansion of the meter is one corner, or eight of its edges, or eight steps of a scan.
/// Source: D. Harabor and A. Grastien, "Online Graph Pruning for Pathfinding on Grid Maps", AAAI
/// 2011 (jump points), and "Improving Jump Point Search", ICAPS 2014 (scans of blocks, no points in
/// between).
///
/// # Panics
/// If there are no goals, or more than 64.
pub fn find_path(
    grid: &NavGrid,
    from: Square,
    goals: &[Square],
    meter: &mut Meter<'_>,
) -> Answer<Path> {
    assert!(
        (1..=NAV_GOALS_MAX).contains(&goals.len()),
        "{} goals; a search takes 1 to {NAV_GOALS_MAX}",
        goals.len()
    );
    SCRATCH.with_borrow_mut(|scratch| scratch.find(grid, from, goals, meter))
}

struct Scratch {
    targets: Vec<Target>,
    /// By square, scattered.
    live: Nodes<false>,
    /// By number of a corner.
    known: Nodes<true>,
    open: Open,
    corners: Vec<Square>,
}

/// How a search ended, and at which key.
enum End {
    /// One goes straight to this target from there.
    At(u32, Square),
    /// As `At`, but there may be a shorter way.
    MaybeAt(u32, Square),
    /// The meter ended.
    Short(u32),
    Nowhere,
}

impl Scratch {
    fn new() -> Self {
        Self {
            targets: Vec::new(),
            live: Nodes::new(),
            known: Nodes::new(),
            open: Open::new(),
            corners: Vec::new(),
        }
    }

    fn find(
        &mut self,
        grid: &NavGrid,
        from: Square,
        goals: &[Square],
        meter: &mut Meter<'_>,
    ) -> Answer<Path> {
        let tables = grid.usable_tables();
        let goals = goals.iter().filter(|&&goal| grid.may_reach(from, goal));
        self.targets.clear();
        self.targets
            .extend(goals.map(|&goal| Target::new(goal, tables)));
        if self.targets.is_empty() {
            return Answer::NoPath;
        }
        self.corners.clear();
        let targets = &self.targets;
        let end = if let Some(tables) = grid.exact_tables() {
            let corners = tables.corners();
            let known = Known {
                grid,
                tables,
                corners,
                targets,
                start: from,
            };
            self.known.clear(corners.count() + 1);
            let start = known.start_key();
            let mut search = Search::new(&known, targets, &mut self.known, &mut self.open);
            let end = search.run(start, meter);
            search.walk_back(&end, &mut self.corners);
            end
        } else {
            let live = Live {
                grid,
                tables,
                targets,
            };
            self.live.clear(0);
            let mut search = Search::new(&live, targets, &mut self.live, &mut self.open);
            let end = search.run(Live::key(from), meter);
            search.walk_back(&end, &mut self.corners);
            end
        };
        let path = || Path::along(&self.corners);
        match end {
            End::At(..) => Answer::Done(path()),
            End::MaybeAt(..) | End::Short(_) => Answer::Partial(path()),
            End::Nowhere => Answer::NoPath,
        }
    }
}

struct Search<'a, G, const DENSE: bool> {
    ground: &'a G,
    targets: &'a [Target],
    nodes: &'a mut Nodes<DENSE>,
    open: &'a mut Open,
    /// The best way to a goal so far: cost, key, goal.
    best: (u32, u32, Square),
    /// The place nearest to a goal so far: estimate, cost, key.
    nearest: (u32, u32, u32),
}

impl<'a, G: Ground, const DENSE: bool> Search<'a, G, DENSE> {
    fn new(
        ground: &'a G,
        targets: &'a [Target],
        nodes: &'a mut Nodes<DENSE>,
        open: &'a mut Open,
    ) -> Self {
        let best = (u32::MAX, 0, Square::default());
        let nearest = (u32::MAX, 0, 0);
        Self {
            ground,
            targets,
            nodes,
            open,
            best,
            nearest,
        }
    }

    fn run(&mut self, start: u32, meter: &mut Meter<'_>) -> End {
        let estimate = self.ground.estimate(start);
        self.open.clear(estimate);
        self.open.push(estimate, start);
        self.nearest = (estimate, 0, start);
        let node = self.nodes.entry(start, || estimate);
        (node.cost, node.todo) = (0, ALL_WAYS);
        while let Some((key, floor)) = self.open.pop() {
            if floor >= self.best.0 {
                break;
            }
            if let Some(work) = self.expand(key)
                && !meter.spend(1 + work / 8)
            {
                let (cost, key, goal) = self.best;
                let found = cost < u32::MAX;
                return if found {
                    End::MaybeAt(key, goal)
                } else {
                    End::Short(self.nearest.2)
                };
            }
        }
        let (cost, key, goal) = self.best;
        if cost < u32::MAX {
            End::At(key, goal)
        } else {
            End::Nowhere
        }
    }

    /// Goes on from a place, unless there is nothing to win. Says how much work it was.
    #[inline]
    fn expand(&mut self, key: u32) -> Option<u32> {
        let node = self.nodes.known(key)?;
        let (cost, estimate, ways) = (node.cost, node.estimate, node.todo);
        if ways == 0 || cost + estimate >= self.best.0 {
            return None;
        }
        node.todo = 0;
        node.done |= ways;
        self.nearest = self.nearest.min((estimate, cost, key));
        let goals = self.look_for_goals(key, cost, estimate);
        if cost + estimate >= self.best.0 {
            // In sight, and no way around can be shorter.
            return Some(0);
        }
        let from = Origin { key, ways, goals };
        let (ground, nodes, open) = (self.ground, &mut *self.nodes, &mut *self.open);
        let limit = self.best.0.min(COST_MAX);
        Some(ground.successors(from, |to, ways, step| {
            let cost = cost + step;
            let node = nodes.entry(to, || ground.estimate(to));
            if cost > node.cost {
                return;
            }
            if cost < node.cost {
                (node.cost, node.parent, node.todo, node.done) = (cost, key, 0, 0);
            }
            let new = ways & !(node.todo | node.done);
            if new != 0 && cost + node.estimate < limit {
                // Open already, if it has something to do.
                let is_open = node.todo != 0;
                node.todo |= new;
                if !is_open {
                    open.push(cost + node.estimate, to);
                }
            }
        }))
    }

    /// Says how far the nearest goal is, as if nothing stood in the way.
    #[inline]
    fn look_for_goals(&mut self, key: u32, cost: u32, estimate: u32) -> u32 {
        let at = self.ground.square(key);
        let mut nearest = u32::MAX;
        for target in self.targets {
            let straight = at.octile(target.at);
            nearest = nearest.min(straight);
            // A single goal farther away than the bare distance cannot be in sight.
            let may_see = estimate == straight || self.targets.len() > 1;
            if may_see && cost + straight < self.best.0 && self.ground.sees(key, target.at) {
                self.best = (cost + straight, key, target.at);
            }
        }
        nearest
    }

    /// The places where the way turns, and some where it does not, from the start to the end.
    fn walk_back(&mut self, end: &End, corners: &mut Vec<Square>) {
        let mut key = match *end {
            End::At(key, goal) | End::MaybeAt(key, goal) => {
                corners.push(goal);
                key
            }
            End::Short(key) => key,
            End::Nowhere => return,
        };
        let mut passed = Vec::new();
        loop {
            add_leg(corners, self.ground.square(key));
            let (cost, parent) = self
                .nodes
                .known(key)
                .map_or((0, key), |node| (node.cost, node.parent));
            if parent == key {
                break;
            }
            let before = self.nodes.known(parent).map_or(0, |node| node.cost);
            passed.clear();
            self.ground.passed(parent, key, cost - before, &mut passed);
            passed.iter().rev().for_each(|&at| add_leg(corners, at));
            key = parent;
        }
        corners.reverse();
    }
}

/// Adds the leg that comes before the first one so far, with its turn.
fn add_leg(corners: &mut Vec<Square>, from: Square) {
    if let Some(&to) = corners.last() {
        corners.push(turn(from, to));
    }
    corners.push(from);
}

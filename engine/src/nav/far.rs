//! Far edges: what a search follows while its goals are far away.
//!
//! From many corners only one way leads on, and from others none does; nobody needs to stop at
//! them, unless to look whether a goal is in sight. So a corner has two sets of edges: the near
//! ones lead to the next corners, the far ones past those that offer no choice. The far ones will
//! do if no goal can be in sight of a corner that they pass or leave out.

use super::corners::{Edge, Lists, Near};
use super::scan::ALL_WAYS;

/// Corners that one edge passes, at most: there are circles.
const PASSED_MAX: usize = 64;

/// The far edges of all corners.
pub(super) struct FarEdges {
    /// Of each corner its edges, and from how far on they will do.
    pub(super) lists: Vec<(Lists, u32)>,
    pub(super) edges: Vec<Edge>,
    /// With which near edge each one begins.
    pub(super) begins: Vec<u32>,
}

impl FarEdges {
    pub(super) fn of(near: &Near) -> Self {
        let beyond = dead_ends(near);
        let mut all = Self {
            lists: Vec::new(),
            edges: Vec::new(),
            begins: Vec::new(),
        };
        for lists in &near.lists {
            let mut far = Lists::after(&all.edges);
            let mut far_from = 0;
            for way in 0..8 {
                for place in lists.places(1 << way).flatten() {
                    let (edge, from) = follow(near, place, &beyond);
                    far_from = from.max(far_from);
                    if let Some(edge) = edge {
                        all.edges.push(edge);
                        all.begins
                            .push(u32::try_from(place).expect("fewer edges than 2³²"));
                    }
                }
                far.end(way, &all.edges);
            }
            all.lists.push((far, far_from));
        }
        all
    }
}

/// Places of the edges on from where an edge leads.
fn on(near: &Near, edge: Edge) -> impl Iterator<Item = usize> {
    near.lists[edge.to() as usize].places(edge.ways()).flatten()
}

/// Of each edge that leads to dead ends only, how far one sees from there at most.
fn dead_ends(near: &Near) -> Vec<Option<u32>> {
    let mut beyond: Vec<Option<u32>> = vec![None; near.edges.len()];
    let back = Back::of(near);
    let mut doubtful: Vec<usize> = (0..near.edges.len()).collect();
    while let Some(place) = doubtful.pop() {
        let edge = near.edges[place];
        if beyond[place].is_none() && on(near, edge).all(|on| beyond[on].is_some()) {
            let sight = on(near, edge)
                .filter_map(|on| beyond[on])
                .max()
                .unwrap_or(0);
            let sight = sight.max(near.sights[edge.to() as usize]);
            beyond[place] = Some(edge.cost.saturating_add(sight));
            doubtful.extend_from_slice(back.before(place));
        }
    }
    beyond
}

/// Edges backwards.
struct Back {
    /// Of each edge the corner that it leads from.
    owners: Vec<usize>,
    /// Of each corner its first place in `edges`, and one more at the end.
    firsts: Vec<usize>,
    /// Edges by the corner that they lead to.
    edges: Vec<usize>,
}

impl Back {
    fn of(near: &Near) -> Self {
        let corners = near.lists.len();
        let owned = |(corner, lists): (usize, &Lists)| {
            lists.places(ALL_WAYS).flatten().map(move |_| corner)
        };
        let owners = near.lists.iter().enumerate().flat_map(owned).collect();
        let mut firsts = vec![0; corners + 1];
        for edge in &near.edges {
            firsts[edge.to() as usize] += 1;
        }
        let mut sum = 0;
        for first in &mut firsts {
            sum += *first;
            *first = sum;
        }
        // Each list is filled from its end.
        let mut edges = vec![0; near.edges.len()];
        for (place, edge) in near.edges.iter().enumerate() {
            let first = &mut firsts[edge.to() as usize];
            *first -= 1;
            edges[*first] = place;
        }
        Self {
            owners,
            firsts,
            edges,
        }
    }

    /// The edges that lead to where an edge leads from.
    fn before(&self, edge: usize) -> &[usize] {
        let corner = self.owners[edge];
        &self.edges[self.firsts[corner]..self.firsts[corner + 1]]
    }
}

/// Where an edge leads if one goes on while there is no choice, and from how far on nothing is
/// missed by that.
fn follow(near: &Near, place: usize, beyond: &[Option<u32>]) -> (Option<Edge>, u32) {
    let mut edge = near.edges[place];
    let mut far_from = 0;
    for _ in 0..PASSED_MAX {
        let mut alive = on(near, edge).filter(|&on| beyond[on].is_none());
        let next = alive.next();
        if next.is_some() && alive.next().is_some() {
            break;
        }
        let dead = on(near, edge)
            .filter_map(|on| beyond[on])
            .max()
            .unwrap_or(0);
        let sight = dead.max(near.sights[edge.to() as usize]);
        far_from = far_from.max(edge.cost.saturating_add(sight));
        let Some(next) = next else {
            return (None, far_from);
        };
        edge = edge.and(near.edges[next]);
    }
    (Some(edge), far_from)
}

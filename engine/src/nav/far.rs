//! Far edges: what a search follows while its goals are far away.
//!
//! From many corners only one way leads on, and from others none does; nobody needs to stop at
//! them, unless to look whether a goal is in sight. So a corner has two sets of edges: the near
//! ones lead to the next corners, the far ones past those that offer no choice. The far ones will
//! do if no goal can be in sight of a corner that they pass or leave out.

use super::corners::{Edge, Lists, Near};

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
    let mut is_new = true;
    while is_new {
        is_new = false;
        for (place, &edge) in near.edges.iter().enumerate() {
            if beyond[place].is_none() && on(near, edge).all(|on| beyond[on].is_some()) {
                let sight = on(near, edge)
                    .filter_map(|on| beyond[on])
                    .max()
                    .unwrap_or(0);
                let sight = sight.max(near.sights[edge.to() as usize]);
                beyond[place] = Some(edge.cost.saturating_add(sight));
                is_new = true;
            }
        }
    }
    beyond
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

//! Far edges: what a search follows while its goals are far away.
//!
//! From many corners only one way leads on, and from others none does; nobody needs to stop at
//! them, unless to look whether a goal is in sight. So a corner has two sets of edges: the near
//! ones lead to the next corners, the far ones past those that offer no choice. The far ones will
//! do if no goal can be in sight of a corner that they pass or leave out.

use super::corners::{Corner, Edge};

/// Corners that one edge passes, at most: there are circles.
const PASSED_MAX: usize = 64;

/// The far edges, in the places of the near ones; and of each corner, from how far on they will
/// do. `sights` are how far each corner looks.
pub(crate) fn edges(corners: &mut [Corner], near: &[Edge], sights: &[u32]) -> Vec<Edge> {
    let graph = Graph {
        corners,
        near,
        sights,
    };
    let beyond = graph.dead_ends();
    let far: Vec<(Edge, u32)> = near
        .iter()
        .map(|&edge| graph.follow(edge, &beyond))
        .collect();
    for corner in corners.iter_mut() {
        let places = corner.edges(u8::MAX).flatten();
        corner.far_from = places.map(|place| far[place].1).max().unwrap_or(0);
    }
    far.into_iter().map(|(edge, _)| edge).collect()
}

struct Graph<'a> {
    corners: &'a [Corner],
    near: &'a [Edge],
    sights: &'a [u32],
}

impl Graph<'_> {
    /// Places of the edges on from where an edge leads.
    fn on(&self, edge: Edge) -> impl Iterator<Item = usize> {
        self.corners[edge.to() as usize]
            .edges(edge.ways())
            .flatten()
    }

    /// Of each edge that leads to dead ends only, how far one sees from there at most.
    fn dead_ends(&self) -> Vec<Option<u32>> {
        let mut beyond: Vec<Option<u32>> = vec![None; self.near.len()];
        let mut is_new = true;
        while is_new {
            is_new = false;
            for (place, &edge) in self.near.iter().enumerate() {
                if beyond[place].is_none() && self.on(edge).all(|on| beyond[on].is_some()) {
                    let sight = self.on(edge).filter_map(|on| beyond[on]).max().unwrap_or(0);
                    let sight = sight.max(self.sights[edge.to() as usize]);
                    beyond[place] = Some(edge.cost.saturating_add(sight));
                    is_new = true;
                }
            }
        }
        beyond
    }

    /// Where an edge leads if one goes on while there is no choice, and from how far on nothing is
    /// missed by that.
    fn follow(&self, first: Edge, beyond: &[Option<u32>]) -> (Edge, u32) {
        let mut edge = first;
        let mut far_from = 0;
        for _ in 0..PASSED_MAX {
            let mut alive = self.on(edge).filter(|&on| beyond[on].is_none());
            let next = alive.next();
            if next.is_some() && alive.next().is_some() {
                break;
            }
            let dead = self.on(edge).filter_map(|on| beyond[on]).max().unwrap_or(0);
            let sight = dead.max(self.sights[edge.to() as usize]);
            far_from = far_from.max(edge.cost.saturating_add(sight));
            let Some(next) = next else {
                return (Edge::DEAD, far_from);
            };
            edge = edge.and(self.near[next]);
        }
        (edge, far_from)
    }
}

//! `Labels`: which squares belong together, so that "there is no way" costs nothing.
//!
//! A diagonal step needs both squares beside it, hence squares belong together exactly if they do
//! by straight steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::layer::Layer;

/// Of each square the number of its component. Exact when made; later a removed wall joins
/// components at once, while an added one leaves them as they are.
#[derive(Clone, Debug)]
pub(crate) struct Labels {
    width: usize,
    /// By square, in rows: 0 where a wall stood when this was made.
    made: Arc<Vec<u32>>,
    /// Squares where a wall stood then, and did not later.
    freed: Arc<BTreeMap<usize, u32>>,
    /// Of each label another one of the same component, which is not larger.
    parents: Arc<Vec<u32>>,
}

impl Labels {
    /// Of a layer of rows.
    pub(crate) fn of(rows: &Layer, width: u16, height: u16) -> Self {
        let (width, height) = (usize::from(width), usize::from(height));
        let mut parents = vec![0];
        let mut made = vec![0; width * height];
        for y in 0..height {
            for (from, to) in rows.runs(y + 1) {
                let (from, to) = (from - 1, to - 1);
                let mut label = 0;
                let mut x = from;
                while y > 0 && x < to {
                    let above = made[(y - 1) * width + x];
                    if above != 0 {
                        label = if label == 0 {
                            above
                        } else {
                            join(&mut parents, label, above)
                        };
                    }
                    x += 1;
                }
                if label == 0 {
                    label = new_label(&mut parents);
                }
                made[y * width + from..y * width + to].fill(label);
            }
        }
        Self {
            width,
            made: Arc::new(made),
            freed: Arc::default(),
            parents: Arc::new(parents),
        }
    }

    /// The component of a square; none if it was a wall all the time.
    pub(crate) fn at(&self, x: usize, y: usize) -> Option<u32> {
        let index = y * self.width + x;
        let label = match self.made[index] {
            0 => *self.freed.get(&index)?,
            label => label,
        };
        Some(root(&self.parents, label))
    }

    /// A wall is gone; `free` are its straight neighbours that are no walls.
    pub(crate) fn free(&mut self, x: usize, y: usize, free: impl Iterator<Item = (usize, usize)>) {
        let mut label = self.at(x, y);
        for (x, y) in free {
            label = match (label, self.at(x, y)) {
                (Some(label), Some(other)) if label != other => {
                    let parents: &mut Vec<u32> = Arc::make_mut(&mut self.parents);
                    Some(join(parents, label, other))
                }
                (label, other) => label.or(other),
            };
        }
        let index = y * self.width + x;
        if self.made[index] == 0 && !self.freed.contains_key(&index) {
            let label = label.unwrap_or_else(|| new_label(Arc::make_mut(&mut self.parents)));
            Arc::make_mut(&mut self.freed).insert(index, label);
        }
    }

    /// The same answers as a list of (label, how many squares), in rows.
    pub(crate) fn runs(&self) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for index in 0..self.made.len() {
            let label = self.at(index % self.width, index / self.width).unwrap_or(0);
            match runs.last_mut() {
                Some((last, count)) if *last == label => *count += 1,
                _ => runs.push((label, 1)),
            }
        }
        runs
    }

    /// Back from [`Labels::runs`]; none if that is not so many squares, or has a wild label.
    pub(crate) fn from_runs(runs: &[(u32, u32)], width: u16, height: u16) -> Option<Self> {
        let squares = usize::from(width) * usize::from(height);
        let mut made = Vec::with_capacity(squares);
        for &(label, count) in runs {
            let count = count as usize;
            if label as usize > squares || count > squares - made.len() {
                return None;
            }
            made.resize(made.len() + count, label);
        }
        let top = made.iter().copied().max().unwrap_or(0);
        (made.len() == squares).then(|| Self {
            width: usize::from(width),
            made: Arc::new(made),
            freed: Arc::default(),
            parents: Arc::new((0..=top).collect()),
        })
    }
}

fn new_label(parents: &mut Vec<u32>) -> u32 {
    let label = u32::try_from(parents.len()).expect("a grid has fewer squares than 2³²");
    parents.push(label);
    label
}

fn root(parents: &[u32], mut label: u32) -> u32 {
    while parents[label as usize] != label {
        label = parents[label as usize];
    }
    label
}

/// Makes two components one, and says which.
fn join(parents: &mut [u32], one: u32, other: u32) -> u32 {
    let (one, other) = (root(parents, one), root(parents, other));
    let (low, high) = (one.min(other), one.max(other));
    parents[high as usize] = low;
    low
}

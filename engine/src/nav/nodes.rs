//! `Nodes`: what a search knows of the places it has seen.

use super::scan::Ways;

/// What a search knows of a place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Node {
    /// The search that wrote this; an older one's is not there.
    stamp: u32,
    key: u32,
    /// What the way to it costs.
    pub(crate) cost: u32,
    /// What the way to a goal costs at least.
    pub(crate) estimate: u32,
    /// The place before it.
    pub(crate) parent: u32,
    /// Ways that have still to be gone.
    pub(crate) todo: Ways,
    /// Ways that have been gone at this cost.
    pub(crate) done: Ways,
}

/// Nodes by key, in a table that searches share one after the other: a new search forgets the old
/// one's nodes by counting on.
///
/// `DENSE` keys are places in the table; others are scattered over it.
#[derive(Debug)]
pub(crate) struct Nodes<const DENSE: bool> {
    nodes: Vec<Node>,
    stamp: u32,
    count: usize,
    shift: u32,
}

/// Nodes that a table has at first.
const FEW: usize = 1024;

/// 2³² over the golden ratio, made odd.
const SPREAD: u32 = 0x9e37_79b1;

impl<const DENSE: bool> Nodes<DENSE> {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            stamp: 0,
            count: 0,
            shift: 0,
        }
    }

    /// Forgets all. Dense keys are below `keys`.
    pub(crate) fn clear(&mut self, keys: usize) {
        let size = keys.max(FEW).next_power_of_two();
        if size > self.nodes.len() || self.stamp == u32::MAX {
            self.resize(size.max(self.nodes.len()));
            self.stamp = 0;
        }
        self.stamp += 1;
        self.count = 0;
    }

    fn resize(&mut self, size: usize) {
        self.nodes.clear();
        self.nodes.resize(size, Node::default());
        self.shift = 32 - size.ilog2();
    }

    /// The place of a key: where it is, or where it would be.
    #[inline]
    fn place(&self, key: u32) -> usize {
        if DENSE {
            return key as usize;
        }
        let mask = self.nodes.len() - 1;
        let mut place = (key.wrapping_mul(SPREAD) >> self.shift) as usize;
        while self.nodes[place].stamp == self.stamp && self.nodes[place].key != key {
            place = (place + 1) & mask;
        }
        place
    }

    /// What is known of a key.
    #[inline]
    pub(crate) fn known(&mut self, key: u32) -> Option<&mut Node> {
        let place = self.place(key);
        let node = &mut self.nodes[place];
        (node.stamp == self.stamp).then_some(node)
    }

    /// What is known of a key; if nothing, no way to it, and the estimate.
    #[inline]
    pub(crate) fn entry(&mut self, key: u32, estimate: impl FnOnce() -> u32) -> &mut Node {
        let mut place = self.place(key);
        if self.nodes[place].stamp != self.stamp {
            self.count += 1;
            if !DENSE && self.count * 2 > self.nodes.len() {
                self.grow();
                place = self.place(key);
            }
            self.nodes[place] = Node {
                stamp: self.stamp,
                key,
                cost: u32::MAX,
                estimate: estimate(),
                parent: key,
                todo: 0,
                done: 0,
            };
        }
        &mut self.nodes[place]
    }

    #[cold]
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.nodes);
        self.resize(old.len() * 2);
        for node in old.into_iter().filter(|node| node.stamp == self.stamp) {
            let place = self.place(node.key);
            self.nodes[place] = node;
        }
    }
}

//! Who is present in other processes: for each of their channels that stands for somebody, a
//! channel of the local layer that nobody reads. Its end is a leave, as for any other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use downbeat::layer::{
    Address, Channel, Delivery, Layer as _, Mailbox, MailboxFull, MemoryLayer, Present,
};

/// Nobody reads it.
pub(super) struct Nobody;

impl Mailbox for Nobody {
    fn deliver(&self, _: u64, _: Delivery) -> Result<(), MailboxFull> {
        Ok(())
    }

    fn missed(&self, _: u64) {}
}

struct Ghost {
    channel: Channel,
    groups: BTreeSet<String>,
    /// Groups that the list, which comes in right now, has not named yet.
    stale: BTreeSet<String>,
}

/// All of them, by process and by the channel's name there.
#[derive(Default)]
pub(super) struct Ghosts(BTreeMap<String, BTreeMap<String, Ghost>>);

impl Ghosts {
    pub(super) fn processes(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    pub(super) fn forget(&mut self, process: &str) {
        self.0.remove(process);
    }

    /// A process tells all that it has.
    pub(super) fn begin(&mut self, process: &str) {
        for ghost in self.0.entry(process.into()).or_default().values_mut() {
            ghost.stale = ghost.groups.clone();
        }
    }

    /// What it did not name is gone.
    pub(super) async fn end(&mut self, process: &str, local: &Arc<MemoryLayer>) {
        let ghosts = self.0.entry(process.into()).or_default();
        for ghost in ghosts.values_mut() {
            for group in std::mem::take(&mut ghost.stale) {
                ghost.groups.remove(&group);
                // Names came through a layer before: they are some.
                let _ = local.vanish(&group, ghost.channel.name()).await;
            }
        }
        ghosts.retain(|_, ghost| !ghost.groups.is_empty());
    }

    pub(super) async fn appear(
        &mut self,
        process: &str,
        (group, channel): (String, String),
        who: Present,
        local: &Arc<MemoryLayer>,
    ) {
        let ghosts = self.0.entry(process.into()).or_default();
        if !ghosts.contains_key(&channel) {
            let Ok(open) = local.open(Address::Unique("ghost"), Arc::new(Nobody), 0) else {
                return;
            };
            let ghost = Ghost {
                channel: open,
                groups: BTreeSet::new(),
                stale: BTreeSet::new(),
            };
            ghosts.insert(channel.clone(), ghost);
        }
        if let Some(ghost) = ghosts.get_mut(&channel) {
            ghost.stale.remove(&group);
            // As above.
            let _ = local.appear(&group, ghost.channel.name(), who).await;
            ghost.groups.insert(group);
        }
    }

    pub(super) async fn vanish(
        &mut self,
        process: &str,
        (group, channel): (&str, &str),
        local: &Arc<MemoryLayer>,
    ) {
        let Some(ghosts) = self.0.get_mut(process) else {
            return;
        };
        let Some(ghost) = ghosts.get_mut(channel) else {
            return;
        };
        ghost.groups.remove(group);
        // As above.
        let _ = local.vanish(group, ghost.channel.name()).await;
        if ghost.groups.is_empty() {
            ghosts.remove(channel);
        }
    }

    pub(super) fn close(&mut self, process: &str, channel: &str) {
        if let Some(ghosts) = self.0.get_mut(process) {
            ghosts.remove(channel);
        }
    }
}

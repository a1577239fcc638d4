//! A layer for the processes of one machine, over a Unix socket.
//!
//! Whoever binds the socket is the hub and passes frames on; the others, and the hub's own layer
//! too, are its clients. When the hub dies, another process binds the socket. Each process has a
//! memory layer for its own channels and groups: a message for a group goes to all processes and
//! is handed out there.
//!
//! What is lost while there is no hub, or because a process does not read, is told to mailboxes as
//! missed. Only processes of the same user are let in.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use downbeat::layer::{
    Address, Channel, Layer, LayerCounts, LayerError, LayerLimits, Mailbox, MemoryLayer, Message,
    Pending, PresenceSink, Present, Watch,
};
use ring::rand::SecureRandom as _;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::AbortHandle;

mod frame;
mod outbox;
mod hub;
mod ghosts;
mod link;
#[cfg(test)]
mod tests;

use self::frame::{Frame, To, encode};
use self::outbox::Outbox;

/// How long something waits for the socket before it is an error.
const SEND_WITHIN: Duration = Duration::from_secs(2);

/// A frame has this much beside its message: names and who is present.
const FRAME_BYTES_SPARE: usize = 64 * 1024;

/// See the module.
pub struct UnixLayer {
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    path: PathBuf,
    /// What this process is called on the bus, and in its channels' names.
    process: String,
    uid: u32,
    local: Arc<MemoryLayer>,
    open: Mutex<BTreeMap<Arc<str>, Open>>,
    /// The way to the hub, or why there is none.
    link: watch::Sender<Result<Outbox, String>>,
    numbers: AtomicU64,
    /// Messages of others that were handed to the local layer: they are not sent here.
    handed: AtomicU64,
    malformed: AtomicU64,
    gaps: AtomicU64,
}

/// A channel of this process.
struct Open {
    is_named: bool,
    readers: BTreeMap<u64, (Arc<dyn Mailbox>, u64)>,
    /// For whom it stands, by group.
    present: BTreeMap<String, Present>,
}

impl UnixLayer {
    /// Joins the processes at this socket, or becomes the first of them. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// If the path is somebody else's, is none of a socket, or the system has no randomness.
    pub fn start(path: &Path, limits: LayerLimits) -> io::Result<Arc<Self>> {
        let shared = Arc::new(Shared::new(path, limits)?);
        check_path(path, shared.uid)?;
        let task = tokio::spawn(link::run(Arc::clone(&shared))).abort_handle();
        Ok(Arc::new(Self { shared, task }))
    }
}

impl Drop for UnixLayer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A socket of this user's, a place for one, nothing else.
fn check_path(path: &Path, uid: u32) -> io::Result<()> {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    let what = match std::fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => "is no socket",
        Ok(there) if there.uid() != uid => "belongs to another user",
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let path = path.display();
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("{path} {what}; give another path for the layer's socket"),
    ))
}

fn random_name() -> io::Result<String> {
    let mut bytes = [0; PROCESS_DIGITS / 2];
    let random = ring::rand::SystemRandom::new();
    random
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the system has no randomness"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Hexadecimal digits of a process's name.
const PROCESS_DIGITS: usize = 12;

/// The process that a unique channel belongs to.
fn process_of(channel: &str) -> Option<&str> {
    let (process, _) = channel.split_once('!')?;
    let (_, process) = process.rsplit_once('.')?;
    let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let is_name = process.len() == PROCESS_DIGITS && process.bytes().all(is_digit);
    is_name.then_some(process)
}

fn no_answer(path: &Path) -> String {
    format!("no answer at {}", path.display())
}

impl Shared {
    fn new(path: &Path, limits: LayerLimits) -> io::Result<Self> {
        let process = random_name()?;
        Ok(Self {
            path: path.into(),
            uid: UnixStream::pair()?.0.peer_cred()?.uid(),
            local: MemoryLayer::of_process(limits, &process),
            process,
            open: Mutex::default(),
            link: watch::Sender::new(Err(no_answer(path))),
            numbers: AtomicU64::new(0),
            handed: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_open(&self, channel: &str) -> bool {
        self.lock().contains_key(channel)
    }

    fn set_link(&self, link: Result<Outbox, String>) {
        drop(self.link.send_replace(link));
    }

    fn frame_bytes_max(&self) -> usize {
        self.local.limits().message_bytes_max + FRAME_BYTES_SPARE
    }

    fn encode(&self, to: &To, frame: Frame) -> Bytes {
        encode(to, &self.process, frame)
    }

    /// Says something without waiting; what is lost over it is made good with the next link.
    fn announce(&self, to: &To, frame: Frame) {
        let link = self.link.borrow();
        let Ok(outbox) = &*link else {
            return;
        };
        let is_taken = outbox.try_send(self.encode(to, frame));
        if !is_taken && *to == To::Hub {
            // Others ask again after a gap. The hub does not: it must be told all, from the start.
            outbox.end();
        }
    }

    /// Says something, and waits for a link and for room in it, both for a while.
    async fn say(&self, to: &To, frame: Frame) -> Result<(), LayerError> {
        let bytes = self.encode(to, frame);
        let mut links = self.link.subscribe();
        let link = async {
            let link = links.wait_for(Result::is_ok).await;
            link.ok().and_then(|link| link.clone().ok())
        };
        let sent = match tokio::time::timeout(SEND_WITHIN, link).await {
            Ok(Some(outbox)) => outbox.send(bytes, SEND_WITHIN).await,
            _ => false,
        };
        let unavailable = || {
            let why = self.link.borrow().as_ref().err().cloned();
            LayerError::Unavailable(why.unwrap_or_else(|| no_answer(&self.path)))
        };
        if sent { Ok(()) } else { Err(unavailable()) }
    }

    fn open(
        self: &Arc<Self>,
        address: Address,
        mailbox: Arc<dyn Mailbox>,
        key: u64,
    ) -> Result<Channel, LayerError> {
        let is_named = matches!(address, Address::Named(_));
        let channel = self.local.open(address, Arc::clone(&mailbox), key)?;
        let name = Arc::clone(channel.name());
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut channels = self.lock();
        let open = channels.entry(Arc::clone(&name)).or_insert_with(|| Open {
            is_named,
            readers: BTreeMap::new(),
            present: BTreeMap::new(),
        });
        open.readers.insert(number, (mailbox, key));
        if is_named && open.readers.len() == 1 {
            self.announce(&To::Hub, Frame::Open(name.to_string()));
        }
        drop(channels);
        let (shared, of) = (Arc::downgrade(self), Arc::clone(&name));
        Ok(Channel::new(name, move || {
            drop(channel);
            if let Some(shared) = shared.upgrade() {
                shared.close(&of, number);
            }
        }))
    }

    fn close(&self, name: &Arc<str>, number: u64) {
        let mut channels = self.lock();
        let Some(open) = channels.get_mut(name) else {
            return;
        };
        let gone = open.readers.remove(&number);
        if open.readers.is_empty()
            && let Some(open) = channels.remove(name)
        {
            if open.is_named {
                self.announce(&To::Hub, Frame::Close(name.to_string()));
            }
            if !open.present.is_empty() {
                self.announce(&To::Others, Frame::Closed(name.to_string()));
            }
        }
        drop(channels);
        drop(gone); // somebody else's code, outside of the lock
    }

    /// Whom to ask for something about a channel that is not of this process.
    fn owner(&self, channel: &str) -> To {
        process_of(channel).map_or(To::Others, |process| To::Process(process.into()))
    }

    async fn send(&self, channel: &str, message: Arc<Message>) -> Result<(), LayerError> {
        // One look: between two, a reader that has got it could go, and another get it too.
        if self.local.send_here(channel, &message)? {
            return Ok(());
        }
        let reader = || To::Reader(channel.into());
        let to = process_of(channel).map_or_else(reader, |process| To::Process(process.into()));
        let message = Message::clone(&message);
        self.say(&to, Frame::Send(channel.into(), message)).await
    }

    async fn group_send(&self, group: &str, message: Arc<Message>) -> Result<(), LayerError> {
        self.local.group_send(group, Arc::clone(&message)).await?;
        let message = Message::clone(&message);
        let frame = Frame::GroupSend(group.into(), message);
        self.say(&To::Others, frame).await
    }

    async fn group_add(&self, group: &str, channel: &str) -> Result<(), LayerError> {
        self.local.group_add(group, channel).await?;
        if self.is_open(channel) {
            return Ok(());
        }
        let frame = Frame::GroupAdd(group.into(), channel.into());
        self.say(&self.owner(channel), frame).await
    }

    async fn group_discard(&self, group: &str, channel: &str) -> Result<(), LayerError> {
        self.local.group_discard(group, channel).await?;
        if self.is_open(channel) {
            return Ok(());
        }
        let frame = Frame::GroupDiscard(group.into(), channel.into());
        self.say(&self.owner(channel), frame).await
    }

    async fn appear(&self, group: &str, channel: &str, who: Present) -> Result<(), LayerError> {
        self.local.appear(group, channel, who.clone()).await?;
        if !self.note_present(group, channel, Some(&who)) {
            let please = Frame::PleaseAppear(group.into(), channel.into(), who);
            return self.say(&self.owner(channel), please).await;
        }
        let frame = Frame::Appear(group.into(), channel.into(), who.clone());
        self.say(&To::Others, frame).await?;
        self.correct(group, channel, Some(&who));
        Ok(())
    }

    async fn vanish(&self, group: &str, channel: &str) -> Result<(), LayerError> {
        self.local.vanish(group, channel).await?;
        if !self.note_present(group, channel, None) {
            let please = Frame::PleaseVanish(group.into(), channel.into());
            return self.say(&self.owner(channel), please).await;
        }
        let frame = Frame::Vanish(group.into(), channel.into());
        self.say(&To::Others, frame).await?;
        self.correct(group, channel, None);
        Ok(())
    }

    /// Remembers what others are to be told; answers whether the channel is of this process.
    fn note_present(&self, group: &str, channel: &str, who: Option<&Present>) -> bool {
        let mut channels = self.lock();
        let Some(open) = channels.get_mut(channel) else {
            return false;
        };
        match who {
            Some(who) => _ = open.present.insert(group.into(), who.clone()),
            None => _ = open.present.remove(group),
        }
        true
    }

    /// What others were told may have waited, and what came later been said before it: if something
    /// else is so by now, they are told that. Under the lock, so that it is the last word.
    fn correct(&self, group: &str, channel: &str, told: Option<&Present>) {
        let channels = self.lock();
        let now = channels.get(channel).map(|open| open.present.get(group));
        let frame = match now {
            Some(now) if now == told => return,
            Some(Some(now)) => Frame::Appear(group.into(), channel.into(), now.clone()),
            Some(None) => Frame::Vanish(group.into(), channel.into()),
            None => Frame::Closed(channel.into()),
        };
        self.announce(&To::Others, frame);
    }
}

impl Layer for UnixLayer {
    fn limits(&self) -> &LayerLimits {
        self.shared.local.limits()
    }

    fn open(
        &self,
        address: Address,
        mailbox: Arc<dyn Mailbox>,
        key: u64,
    ) -> Result<Channel, LayerError> {
        self.shared.open(address, mailbox, key)
    }

    fn send<'a>(
        &'a self,
        channel: &'a str,
        message: Arc<Message>,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(self.shared.send(channel, message))
    }

    fn group_add<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(self.shared.group_add(group, channel))
    }

    fn group_discard<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(self.shared.group_discard(group, channel))
    }

    fn group_send<'a>(
        &'a self,
        group: &'a str,
        message: Arc<Message>,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(self.shared.group_send(group, message))
    }

    fn appear<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
        who: Present,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(self.shared.appear(group, channel, who))
    }

    fn vanish<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(self.shared.vanish(group, channel))
    }

    fn present<'a>(&'a self, group: &'a str) -> Pending<'a, Result<BTreeSet<Present>, LayerError>> {
        self.shared.local.present(group)
    }

    fn watch(&self, group: &str, sink: PresenceSink) -> Result<Watch, LayerError> {
        self.shared.local.watch(group, sink)
    }

    fn counts(&self) -> LayerCounts {
        let shared = &self.shared;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let local = shared.local.counts();
        LayerCounts {
            sent: local.sent.saturating_sub(of(&shared.handed)),
            malformed: local.malformed + of(&shared.malformed),
            gaps: of(&shared.gaps),
            ..local
        }
    }

    fn health(&self) -> Result<(), String> {
        let link = self.shared.link.borrow();
        link.as_ref().map(|_| ()).map_err(String::clone)
    }
}

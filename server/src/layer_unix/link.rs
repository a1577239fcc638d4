//! A process's conversation with the hub; and becoming the hub, where there is none.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use downbeat::layer::Layer as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::frame::{Envelope, Frame, To, decode, read};
use super::ghosts::Ghosts;
use super::hub::{Hub, PROCESSES_MAX};
use super::outbox::outbox;
use super::{Shared, no_answer};

/// Between two attempts to reach a hub: it binds within a millisecond.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// The longest, where they fail for a reason that lasts, as if there is no place.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(1);

/// After a new link, how long the other processes have to come back before they count as dead.
const BACK_WITHIN: Duration = Duration::from_secs(1);

/// What this process knows of earlier links.
#[derive(Default)]
pub(super) struct Past {
    /// The process that was the hub.
    hub: Option<String>,
    ghosts: Ghosts,
}

/// Keeps this process on the bus until it is aborted.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut hubs = JoinSet::new();
    let mut past = Past::default();
    let mut complained = false;
    let mut pause = RETRY_AFTER;
    loop {
        let talked = match connect(&shared, &mut hubs).await {
            Ok(Some(socket)) => converse(&shared, socket, &mut past).await.map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        match talked {
            Ok(talked) => {
                complained &= !talked;
                pause = RETRY_AFTER;
                shared.set_link(Err(no_answer(&shared.path)));
            }
            Err(error) => {
                let why = format!("no link at {}: {error}", shared.path.display());
                if complained {
                    tracing::debug!(why, "the layer's socket");
                } else {
                    tracing::warn!(why, "the layer's socket");
                }
                complained = true;
                pause = (pause * 2).min(RETRY_AFTER_MAX);
                shared.set_link(Err(why));
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// A socket to the hub; if there is none, this process tries to be it.
async fn connect(shared: &Arc<Shared>, hubs: &mut JoinSet<()>) -> io::Result<Option<UnixStream>> {
    if let Ok(socket) = UnixStream::connect(&shared.path).await {
        if socket.peer_cred()?.uid() == shared.uid {
            return Ok(Some(socket));
        }
        return Err(io::Error::other("another user's process listens there"));
    }
    let bytes_max = shared.frame_bytes_max();
    if let Some(hub) = Hub::bind(&shared.path, &shared.process, shared.uid, bytes_max)? {
        hubs.spawn(hub.run());
        return Ok(Some(UnixStream::connect(&shared.path).await?));
    }
    Ok(None)
}

/// Talks with the hub until one of them ends it.
///
/// # Errors
/// If the hub has no place for this process.
pub(super) async fn converse(
    shared: &Arc<Shared>,
    socket: UnixStream,
    past: &mut Past,
) -> io::Result<()> {
    let (mut from, mut to) = socket.into_split();
    // A hub that has no place says so without waiting for this.
    let _ = to.write_all(&shared.encode(&To::Hub, Frame::Hello)).await;
    let answer = read(&mut from, shared.frame_bytes_max()).await;
    let answer = answer.ok().flatten().and_then(|bytes| decode(&bytes));
    let hub = match answer {
        Some(Envelope {
            from,
            frame: Frame::Welcome,
        }) => from,
        Some(Envelope {
            frame: Frame::Full, ..
        }) => {
            let why = format!("{PROCESSES_MAX} processes are there, no more are let in");
            return Err(io::Error::other(why));
        }
        _ => return Ok(()),
    };
    let (outbox, writer) = outbox();
    {
        // Under the lock: what is opened later is announced behind this.
        let channels = shared.lock();
        shared.set_link(Ok(outbox));
        let named = channels.iter().filter(|(_, open)| open.is_named);
        for (name, _) in named {
            shared.announce(&To::Hub, Frame::Open(name.to_string()));
        }
    }
    if past.hub.as_ref() == Some(&hub) {
        // Only this link broke: others do not know that something of ours may be missing.
        shared.announce(&To::Others, Frame::Gap);
    }
    if past.hub.replace(hub).is_some() {
        handle_gap(shared);
    }
    tokio::select! {
        () = listen(shared, &mut from, &mut past.ghosts) => {}
        () = writer.run(to) => {}
    }
    Ok(())
}

async fn listen(shared: &Arc<Shared>, from: &mut OwnedReadHalf, ghosts: &mut Ghosts) {
    let mut there = BTreeSet::new();
    let mut missing = true;
    let deadline = Instant::now() + BACK_WITHIN;
    let bytes_max = shared.frame_bytes_max();
    let (frames, mut incoming) = tokio::sync::mpsc::channel(16);
    // Read by a future of its own: one that is dropped half-way would lose its place.
    let reading = async {
        while let Ok(Some(bytes)) = read(from, bytes_max).await {
            if frames.send(bytes).await.is_err() {
                return;
            }
        }
        drop(frames);
    };
    let handling = async {
        loop {
            tokio::select! {
                bytes = incoming.recv() => match bytes {
                    Some(bytes) => handle(shared, &bytes, ghosts, &mut there).await,
                    None => return,
                },
                () = tokio::time::sleep_until(deadline), if missing => {
                    missing = false;
                    for process in ghosts.processes().difference(&there) {
                        ghosts.forget(process);
                    }
                }
            }
        }
    };
    tokio::join!(reading, handling);
}

pub(super) async fn handle(
    shared: &Arc<Shared>,
    bytes: &Bytes,
    ghosts: &mut Ghosts,
    there: &mut BTreeSet<String>,
) {
    let Some(Envelope { from, frame }) = decode(bytes) else {
        shared.malformed.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let local = &shared.local;
    // What the local layer answers was somebody's business in another process: it was checked
    // there, and a full channel is counted here.
    match frame {
        Frame::Joined(process) => {
            tell_all(shared, &process);
            there.insert(process);
        }
        Frame::Gone(process) => {
            ghosts.forget(&process);
            there.remove(&process);
        }
        Frame::Gap => {
            handle_gap(shared);
            shared.announce(&To::Others, Frame::PleaseTell);
        }
        Frame::PleaseTell => tell_all(shared, &from),
        Frame::Send(channel, message) => {
            shared.handed.fetch_add(1, Ordering::Relaxed);
            let _ = local.send(&channel, Arc::new(message)).await;
        }
        Frame::GroupSend(group, message) => {
            shared.handed.fetch_add(1, Ordering::Relaxed);
            let _ = local.group_send(&group, Arc::new(message)).await;
        }
        Frame::GroupAdd(group, channel) => _ = local.group_add(&group, &channel).await,
        Frame::GroupDiscard(group, channel) => _ = local.group_discard(&group, &channel).await,
        Frame::PleaseAppear(group, channel, who) => {
            if shared.note_present(&group, &channel, Some(&who)) {
                let _ = local.appear(&group, &channel, who.clone()).await;
                let frame = Frame::Appear(group.clone(), channel.clone(), who.clone());
                shared.announce(&To::Others, frame);
                shared.correct(&group, &channel, Some(&who));
            }
        }
        Frame::PleaseVanish(group, channel) => {
            if shared.note_present(&group, &channel, None) {
                let _ = local.vanish(&group, &channel).await;
                shared.announce(&To::Others, Frame::Vanish(group, channel));
            }
        }
        Frame::Begin => ghosts.begin(&from),
        Frame::Appear(group, channel, who) => {
            ghosts.appear(&from, (group, channel), who, local).await;
        }
        Frame::Vanish(group, channel) => ghosts.vanish(&from, (&group, &channel), local).await,
        Frame::Closed(channel) => ghosts.close(&from, &channel),
        Frame::End => ghosts.end(&from, local).await,
        Frame::Hello | Frame::Welcome | Frame::Full | Frame::Open(_) | Frame::Close(_) => {}
    }
}

/// Tells one process who is present here. Under the lock, so that nothing later overtakes it.
fn tell_all(shared: &Shared, process: &str) {
    let to = To::Process(process.into());
    let channels = shared.lock();
    shared.announce(&to, Frame::Begin);
    for (channel, open) in &*channels {
        for (group, who) in &open.present {
            let frame = Frame::Appear(group.clone(), channel.to_string(), who.clone());
            shared.announce(&to, frame);
        }
    }
    shared.announce(&to, Frame::End);
}

/// Every channel of this process may have missed something.
fn handle_gap(shared: &Shared) {
    shared.gaps.fetch_add(1, Ordering::Relaxed);
    let channels = shared.lock();
    let readers = channels.values().flat_map(|open| open.readers.values());
    let readers: Vec<_> = readers
        .map(|(mailbox, key)| (Arc::clone(mailbox), *key))
        .collect();
    drop(channels);
    for (mailbox, key) in readers {
        mailbox.missed(key);
    }
}

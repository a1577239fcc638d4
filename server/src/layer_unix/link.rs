//! A process's conversation with the hub; and becoming the hub, where there is none.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use downbeat::layer::Layer as _;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Shared;
use super::frame::{Envelope, Frame, To, decode, read};
use super::ghosts::Ghosts;
use super::hub::Hub;
use super::outbox::outbox;

/// Between two attempts to reach a hub: it binds within a millisecond.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// After a new link, how long the other processes have to come back before they count as dead.
const BACK_WITHIN: Duration = Duration::from_secs(1);

/// Keeps this process on the bus until it is aborted.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut hubs = JoinSet::new();
    let mut ghosts = Ghosts::default();
    let mut was_linked = false;
    let mut complained = false;
    loop {
        match connect(&shared, &mut hubs).await {
            Ok(Some(socket)) => {
                let linked = converse(&shared, socket, was_linked, &mut ghosts).await;
                shared.link.send_replace(None);
                was_linked |= linked;
                complained = false;
            }
            Ok(None) => {}
            Err(error) if complained => tracing::debug!(%error, "the layer's socket"),
            Err(error) => {
                complained = true;
                tracing::warn!(path = %shared.path.display(), %error, "the layer's socket");
            }
        }
        tokio::time::sleep(RETRY_AFTER).await;
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

/// Answers whether the hub said welcome before it ended.
async fn converse(
    shared: &Arc<Shared>,
    socket: UnixStream,
    was_linked: bool,
    ghosts: &mut Ghosts,
) -> bool {
    let (mut from, to) = socket.into_split();
    let (outbox, writer) = outbox();
    outbox.try_send(shared.encode(&To::Hub, Frame::Hello));
    let talk = async {
        let bytes_max = shared.frame_bytes_max();
        let welcome = read(&mut from, bytes_max).await.ok().flatten();
        let welcome = welcome.and_then(|bytes| decode(&bytes));
        if welcome.is_none_or(|welcome| welcome.frame != Frame::Welcome) {
            return false;
        }
        {
            // Under the lock: what is opened later is announced behind this.
            let channels = shared.lock();
            let named = channels.iter().filter(|(_, open)| open.is_named);
            for (name, _) in named {
                outbox.try_send(shared.encode(&To::Hub, Frame::Open(name.to_string())));
            }
            shared.link.send_replace(Some(outbox));
        }
        if was_linked {
            handle_gap(shared);
        }
        listen(shared, &mut from, ghosts).await;
        true
    };
    tokio::select! {
        linked = talk => linked,
        () = writer.run(to) => shared.link.borrow().is_some(),
    }
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

async fn handle(
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
        Frame::Hello | Frame::Welcome | Frame::Open(_) | Frame::Close(_) => {}
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

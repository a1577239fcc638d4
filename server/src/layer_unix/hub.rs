//! The process in the middle: passes frames on. It knows who is there and who reads which named
//! channel, and nothing of groups or presence.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::frame::{Frame, To, decode, encode, read, split};
use super::outbox::{Outbox, outbox};

/// Processes on one bus: servers and programs of one machine.
pub(super) const PROCESSES_MAX: usize = 256;

#[derive(Default)]
struct Routes {
    processes: BTreeMap<String, Outbox>,
    /// Which conversation is a process's newest: the end of an older one is not its own.
    newest: BTreeMap<String, u64>,
    numbers: u64,
    /// Who reads a named channel, in turn.
    readers: BTreeMap<String, VecDeque<String>>,
}

/// A hub that listens; it is one for as long as the lock is held, which ends with the process.
pub(super) struct Hub {
    listener: UnixListener,
    name: String,
    uid: u32,
    frame_bytes_max: usize,
    _lock: File,
}

impl Hub {
    /// Becomes the hub, if nobody else is: whoever has the lock beside the socket.
    pub(super) fn bind(
        path: &Path,
        name: &str,
        uid: u32,
        frame_bytes_max: usize,
    ) -> io::Result<Option<Self>> {
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
        // With the lock in hand, a socket that is there belongs to nobody who lives.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Some(Self {
            listener,
            name: name.into(),
            uid,
            frame_bytes_max,
            _lock: lock,
        }))
    }

    /// Serves until it is dropped.
    pub(super) async fn run(self) {
        let routes = Arc::<Mutex<Routes>>::default();
        let mut processes = JoinSet::new();
        let mut was_full = false;
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) if !self.is_own(&socket) => {
                        tracing::warn!("another user's process at the layer's socket");
                    }
                    Ok((socket, _)) if processes.len() >= PROCESSES_MAX => {
                        if !std::mem::replace(&mut was_full, true) {
                            let most = PROCESSES_MAX;
                            tracing::warn!(most, "no more processes are let in at the layer's socket");
                        }
                        self.turn_away(socket);
                    }
                    Ok((socket, _)) => {
                        let (routes, hub) = (Arc::clone(&routes), self.name.clone());
                        processes.spawn(serve(socket, routes, hub, self.frame_bytes_max));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the layer's socket");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
                Some(_) = processes.join_next() => was_full = false,
            }
        }
    }

    fn is_own(&self, socket: &UnixStream) -> bool {
        socket.peer_cred().is_ok_and(|peer| peer.uid() == self.uid)
    }

    /// Says why. A socket that is new has room for that.
    fn turn_away(&self, socket: UnixStream) {
        let full = encode(&To::Others, &self.name, Frame::Full);
        let said = socket
            .into_std()
            .and_then(|mut socket| socket.write_all(&full));
        if let Err(error) = said {
            tracing::debug!(%error, "a process did not wait to be turned away");
        }
    }
}

fn lock(routes: &Mutex<Routes>) -> MutexGuard<'_, Routes> {
    routes.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(socket: UnixStream, routes: Arc<Mutex<Routes>>, hub: String, bytes_max: usize) {
    let (mut from, to) = socket.into_split();
    let Ok(Some(hello)) = read(&mut from, bytes_max).await else {
        return;
    };
    let Some(name) = decode(&hello).filter(|hello| hello.frame == Frame::Hello) else {
        return;
    };
    let name = name.from;
    let (outbox, writer) = outbox();
    outbox.try_send(encode(&To::Others, &hub, Frame::Welcome));
    let number = {
        let mut routes = lock(&routes);
        let joined = encode(&To::Others, &hub, Frame::Joined(name.clone()));
        let others = routes.processes.iter().filter(|(other, _)| **other != name);
        for (other, known) in others {
            known.try_send(joined.clone());
            outbox.try_send(encode(&To::Others, &hub, Frame::Joined(other.clone())));
        }
        routes.processes.insert(name.clone(), outbox);
        // It tells anew what it reads.
        routes.forget_reader(&name);
        routes.numbers += 1;
        let number = routes.numbers;
        routes.newest.insert(name.clone(), number);
        number
    };
    let gone = Gone {
        routes: Arc::clone(&routes),
        name: name.clone(),
        number,
        hub,
    };
    tokio::select! {
        () = writer.run(to) => {}
        () = pass_on(&mut from, &routes, (&name, number), bytes_max) => {}
    }
    drop(gone);
}

async fn pass_on(
    from: &mut tokio::net::unix::OwnedReadHalf,
    routes: &Mutex<Routes>,
    (name, number): (&str, u64),
    bytes_max: usize,
) {
    loop {
        let bytes = match read(from, bytes_max).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "a process left the layer's socket"),
        };
        let Some((to, _)) = split(&bytes) else {
            return tracing::warn!("a frame of the layer's socket is none");
        };
        let mut routes = lock(routes);
        if routes.newest.get(name) != Some(&number) {
            return; // it has begun anew, and what is left of this would come too late
        }
        routes.pass_on(name, &to, &bytes);
    }
}

impl Routes {
    fn pass_on(&mut self, from: &str, to: &To, bytes: &Bytes) {
        match to {
            To::Others => {
                let others = self.processes.iter().filter(|(name, _)| *name != from);
                others.for_each(|(_, outbox)| _ = outbox.try_send(bytes.clone()));
            }
            To::Process(name) => {
                if let Some(outbox) = self.processes.get(name) {
                    outbox.try_send(bytes.clone());
                }
            }
            To::Reader(channel) => {
                let Some(readers) = self.readers.get_mut(channel) else {
                    return;
                };
                readers.rotate_left(1);
                let outbox = readers.back().and_then(|name| self.processes.get(name));
                if let Some(outbox) = outbox {
                    outbox.try_send(bytes.clone());
                }
            }
            To::Hub => match decode(bytes).map(|envelope| envelope.frame) {
                Some(Frame::Open(channel)) => {
                    let readers = self.readers.entry(channel).or_default();
                    if !readers.iter().any(|reader| reader == from) {
                        readers.push_back(from.into());
                    }
                }
                Some(Frame::Close(channel)) => self.close(&channel, from),
                _ => {}
            },
        }
    }

    fn close(&mut self, channel: &str, process: &str) {
        if let Some(readers) = self.readers.get_mut(channel) {
            readers.retain(|reader| reader != process);
            if readers.is_empty() {
                self.readers.remove(channel);
            }
        }
    }

    /// It reads nothing any more.
    fn forget_reader(&mut self, process: &str) {
        self.readers.retain(|_, readers| {
            readers.retain(|reader| reader != process);
            !readers.is_empty()
        });
    }
}

/// However the conversation with a process ends, the others are told.
struct Gone {
    routes: Arc<Mutex<Routes>>,
    name: String,
    number: u64,
    hub: String,
}

impl Drop for Gone {
    fn drop(&mut self) {
        let mut routes = lock(&self.routes);
        if routes.newest.get(&self.name) != Some(&self.number) {
            return;
        }
        routes.newest.remove(&self.name);
        routes.processes.remove(&self.name);
        routes.forget_reader(&self.name);
        let gone = encode(&To::Others, &self.hub, Frame::Gone(self.name.clone()));
        for outbox in routes.processes.values() {
            outbox.try_send(gone.clone());
        }
    }
}

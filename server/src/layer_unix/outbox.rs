//! What waits to be written to a socket, bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::frame::{Frame, To, encode};

/// Bytes that may wait for one process: a dozen of the largest messages.
pub(super) const OUTBOX_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// The way to one socket.
#[derive(Clone)]
pub(super) struct Outbox {
    frames: mpsc::UnboundedSender<(Bytes, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
    lost: Arc<AtomicBool>,
    ends: CancellationToken,
}

/// The writing end of it.
pub(super) struct Writer {
    frames: mpsc::UnboundedReceiver<(Bytes, OwnedSemaphorePermit)>,
    lost: Arc<AtomicBool>,
    ends: CancellationToken,
}

pub(super) fn outbox() -> (Outbox, Writer) {
    let (sender, frames) = mpsc::unbounded_channel();
    let lost = Arc::<AtomicBool>::default();
    let outbox = Outbox {
        frames: sender,
        room: Arc::new(Semaphore::new(OUTBOX_BYTES_MAX as usize)),
        lost: Arc::clone(&lost),
        ends: CancellationToken::new(),
    };
    let ends = outbox.ends.clone();
    (outbox, Writer { frames, lost, ends })
}

impl Outbox {
    fn cost(bytes: &Bytes) -> u32 {
        u32::try_from(bytes.len())
            .unwrap_or(u32::MAX)
            .min(OUTBOX_BYTES_MAX)
    }

    /// Waits for room, up to a limit; answers whether it was taken.
    pub(super) async fn send(&self, bytes: Bytes, within: Duration) -> bool {
        let room = Arc::clone(&self.room).acquire_many_owned(Self::cost(&bytes));
        match tokio::time::timeout(within, room).await {
            Ok(Ok(permit)) => self.frames.send((bytes, permit)).is_ok(),
            _ => false,
        }
    }

    /// Takes it if there is room, and answers whether; what is lost is told once there is.
    pub(super) fn try_send(&self, bytes: Bytes) -> bool {
        let room = Arc::clone(&self.room).try_acquire_many_owned(Self::cost(&bytes));
        let taken = room.is_ok_and(|permit| self.frames.send((bytes, permit)).is_ok());
        if !taken {
            self.lost.store(true, Ordering::Release);
        }
        taken
    }

    /// Ends the writing, whatever still waits.
    pub(super) fn end(&self) {
        self.ends.cancel();
    }
}

impl Writer {
    /// Writes until the socket breaks, it is told to end, or nobody is left to say anything.
    pub(super) async fn run(self, to: impl AsyncWrite + Unpin) {
        let ends = self.ends.clone();
        ends.run_until_cancelled(self.write(to)).await;
    }

    async fn write(mut self, mut to: impl AsyncWrite + Unpin) {
        while let Some((bytes, permit)) = self.frames.recv().await {
            if to.write_all(&bytes).await.is_err() {
                return;
            }
            drop(permit);
            if self.frames.is_empty() && self.lost.swap(false, Ordering::AcqRel) {
                let gap = encode(&To::Others, "", Frame::Gap);
                if to.write_all(&gap).await.is_err() {
                    return;
                }
            }
        }
    }
}

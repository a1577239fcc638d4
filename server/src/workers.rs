//! Background workers: functions of the program that get the messages of a named channel.
//!
//! In: what is sent to the channel, by anybody on the layer; several processes that work on one
//! channel share it. Out: calls, one after another unless asked otherwise. A call that panics is
//! counted and costs nobody else anything.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use downbeat::layer::{Address, LayerLimits, Message, Received, Receiver, open_queue};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::registry::Pending;
use crate::services::Services;

/// How a worker works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Messages that are worked on at the same time; with more than one, their order is lost.
    pub concurrency: usize,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self { concurrency: 1 }
    }
}

pub(crate) type Work = Arc<dyn Fn(Services, Message) -> Pending<'static, ()> + Send + Sync>;

/// A worker before its server starts.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) channel: String,
    pub(crate) options: WorkerOptions,
    pub(crate) work: Work,
}

/// What a worker has done.
#[derive(Debug)]
pub(crate) struct WorkerCounts {
    pub(crate) channel: String,
    pub(crate) done: AtomicU64,
    pub(crate) panicked: AtomicU64,
    pub(crate) missed: AtomicU64,
}

impl Worker {
    pub(crate) fn new<F, W>(channel: &str, options: WorkerOptions, work: F) -> Self
    where
        F: Fn(Services, Message) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        Self {
            channel: channel.into(),
            options,
            work: Arc::new(move |services, message| Box::pin(work(services, message))),
        }
    }

    /// Opens its channel at once, so that nothing is lost that is said to a server that has
    /// started; then works until the server closes, and ends what it is at.
    pub(crate) fn run(
        self,
        services: Services,
        limits: LayerLimits,
        counts: Arc<WorkerCounts>,
        closing: CancellationToken,
    ) -> impl Future<Output = ()> + Send {
        let address = Address::Named(self.channel.clone());
        let queue = open_queue(&**services.layer(), address, &limits);
        async move {
            match queue {
                Ok(queue) => self.work_on(queue, services, (counts, closing)).await,
                Err(error) => {
                    tracing::error!(channel = self.channel, %error, "worker cannot be started");
                }
            }
        }
    }

    async fn work_on(
        self,
        queue: Receiver,
        services: Services,
        (counts, closing): (Arc<WorkerCounts>, CancellationToken),
    ) {
        let mut at_work = JoinSet::new();
        loop {
            let is_free = at_work.len() < self.options.concurrency;
            tokio::select! {
                biased;
                Some(done) = at_work.join_next() => counts.count(done),
                () = closing.cancelled() => break,
                received = queue.receive(), if is_free => match received {
                    Received::Message(message) => {
                        let message = Arc::unwrap_or_clone(message);
                        let work = Arc::clone(&self.work);
                        let services = services.clone();
                        // A call of its own, so that one that panics at once is caught as well.
                        at_work.spawn(async move { work(services, message).await });
                    }
                    Received::Missed(count) => counts.miss(count),
                },
            }
        }
        while let Some(done) = at_work.join_next().await {
            counts.count(done);
        }
    }
}

impl WorkerCounts {
    pub(crate) fn of(worker: &Worker) -> Arc<Self> {
        Arc::new(Self {
            channel: worker.channel.clone(),
            done: AtomicU64::new(0),
            panicked: AtomicU64::new(0),
            missed: AtomicU64::new(0),
        })
    }

    fn count(&self, done: Result<(), JoinError>) {
        let counter = match done {
            Ok(()) => &self.done,
            Err(error) => {
                tracing::warn!(channel = self.channel, %error, "worker panicked");
                &self.panicked
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A gap of unknown size counts as one.
    fn miss(&self, count: u64) {
        tracing::debug!(channel = self.channel, count, "worker missed messages");
        self.missed.fetch_add(count.max(1), Ordering::Relaxed);
    }
}

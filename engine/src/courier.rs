//! The courier: carries out what the rooms of a game hand over to the outside.
//!
//! In: errands, staged by rooms and handed over at the end of their steps. Out: calls of the layer,
//! one after another, so that what a room sends arrives in order; and answers for the rooms'
//! inboxes. Ticks never wait for it: what it cannot take is dropped and counted. Questions go
//! another way than errands, and wait for none of them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use tokio::sync::{Semaphore, mpsc};

use crate::codec;
use crate::counters::Counters;
use crate::game::Game;
use crate::inbox::RoomIn;
use crate::layer::{Layer, LayerError, Message, Pending, Present};
use crate::limits::{
    ANSWER_WITHIN, ERRANDS_MAX, QUERIES_IN_FLIGHT_MAX, QUERIES_QUEUED_MAX, SENDS_QUEUED_MAX,
};
use crate::panics;
use crate::port::RoomPort;
use crate::watching::Feed;

/// Answers a game's questions to the outside: the question as it is known when it is answered.
pub type Answerer<G> =
    Arc<dyn Fn(<G as Game>::Query) -> Pending<'static, <G as Game>::Query> + Send + Sync>;

/// What a room asks of the layer.
#[derive(Clone, Debug, PartialEq)]
pub enum Outward {
    /// A message to a channel.
    Send {
        /// To which.
        channel: String,
        /// What.
        message: Arc<Message>,
    },
    /// A message to all channels of a group.
    GroupSend {
        /// To which.
        group: String,
        /// What.
        message: Arc<Message>,
    },
    /// A channel joins a group.
    GroupAdd {
        /// Which.
        group: String,
        /// Who.
        channel: Arc<str>,
    },
    /// A channel leaves a group.
    GroupDiscard {
        /// Which.
        group: String,
        /// Who.
        channel: Arc<str>,
    },
    /// Somebody is present in a group from now on.
    Appear {
        /// In which.
        group: String,
        /// On which channel.
        channel: Arc<str>,
        /// Who.
        who: Present,
    },
    /// A channel stands for nobody in a group any more.
    Vanish {
        /// In which.
        group: String,
        /// Which.
        channel: Arc<str>,
    },
}

/// Something to find out.
enum Question<G: Game> {
    List(Arc<Feed<G>>),
    Ask(G::Query, RoomPort<G>),
}

/// The way to a courier; clones share its bounds.
pub(crate) struct Courier<G: Game> {
    errands: mpsc::UnboundedSender<Outward>,
    questions: mpsc::UnboundedSender<Question<G>>,
    load: Arc<Load>,
}

/// How much waits.
#[derive(Default)]
struct Load {
    sends: AtomicUsize,
    others: AtomicUsize,
    queries: AtomicUsize,
}

impl<G: Game> Clone for Courier<G> {
    fn clone(&self) -> Self {
        Self {
            errands: self.errands.clone(),
            questions: self.questions.clone(),
            load: Arc::clone(&self.load),
        }
    }
}

impl Load {
    fn take(counter: &AtomicUsize, most: usize) -> bool {
        let fits = counter.fetch_add(1, Ordering::AcqRel) < most;
        if !fits {
            counter.fetch_sub(1, Ordering::AcqRel);
        }
        fits
    }

    /// Messages are bounded more tightly than the rest: a flood of them must not cost anybody a
    /// membership.
    const fn of(&self, outward: &Outward) -> (&AtomicUsize, usize) {
        match outward {
            Outward::Send { .. } | Outward::GroupSend { .. } => (&self.sends, SENDS_QUEUED_MAX),
            _ => (&self.others, ERRANDS_MAX),
        }
    }
}

impl<G: Game> Courier<G> {
    /// Starts one on the current runtime; it ends with the last way to it.
    pub(crate) fn start(
        layer: Option<Arc<dyn Layer>>,
        answer: Option<Answerer<G>>,
        counters: Arc<Counters>,
    ) -> Self {
        let (errands, to_carry) = mpsc::unbounded_channel();
        let (questions, to_ask) = mpsc::unbounded_channel();
        let load = Arc::<Load>::default();
        let round = Round {
            layer: layer.clone(),
            counters: Arc::clone(&counters),
            load: Arc::clone(&load),
        };
        let inquiry = Inquiry {
            layer,
            answer,
            counters,
            load: Arc::clone(&load),
            asking: Arc::new(Semaphore::new(QUERIES_IN_FLIGHT_MAX)),
        };
        tokio::spawn(round.run(to_carry));
        tokio::spawn(inquiry.run(to_ask));
        Self {
            errands,
            questions,
            load,
        }
    }

    /// Takes an errand for the layer, or counts it as dropped.
    pub(crate) fn take(&self, outward: Outward, counters: &Counters) {
        let (counter, most) = self.load.of(&outward);
        if !Load::take(counter, most) {
            counters.layer_dropped.add(1);
        } else if self.errands.send(outward).is_err() {
            counters.layer_dropped.add(1); // the runtime is going down
        }
    }

    /// Asks who is present, for a room that watches.
    pub(crate) fn list(&self, feed: Arc<Feed<G>>) {
        // An error means that the runtime is going down. There is at most one for each feed.
        let _ = self.questions.send(Question::List(feed));
    }

    /// Takes a question to the outside, or hands it back. Those of a room's last step, as many as
    /// one step asks, are taken whatever waits.
    pub(crate) fn ask(
        &self,
        query: G::Query,
        port: &RoomPort<G>,
        is_last: bool,
    ) -> Result<(), G::Query> {
        let most = if is_last {
            usize::MAX
        } else {
            QUERIES_QUEUED_MAX
        };
        if !Load::take(&self.load.queries, most) {
            return Err(query);
        }
        match self.questions.send(Question::Ask(query, port.clone())) {
            Ok(()) => {
                port.world.counters().queries_waiting.add(1);
                Ok(())
            }
            Err(mpsc::error::SendError(Question::Ask(query, _))) => Err(query),
            Err(_) => unreachable!("a question was sent"),
        }
    }
}

/// The task that carries errands.
struct Round {
    layer: Option<Arc<dyn Layer>>,
    counters: Arc<Counters>,
    load: Arc<Load>,
}

impl Round {
    async fn run(self, mut errands: mpsc::UnboundedReceiver<Outward>) {
        while let Some(outward) = errands.recv().await {
            let (counter, _) = self.load.of(&outward);
            if let Some(layer) = &self.layer
                && let Err(error) = carry(&**layer, outward).await
            {
                self.counters.layer_failed.add(1);
                tracing::debug!(%error, "the layer did not take something");
            }
            counter.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

async fn carry(layer: &dyn Layer, outward: Outward) -> Result<(), LayerError> {
    match outward {
        Outward::Send { channel, message } => layer.send(&channel, message).await,
        Outward::GroupSend { group, message } => layer.group_send(&group, message).await,
        Outward::GroupAdd { group, channel } => layer.group_add(&group, &channel).await,
        Outward::GroupDiscard { group, channel } => layer.group_discard(&group, &channel).await,
        Outward::Appear {
            group,
            channel,
            who,
        } => layer.appear(&group, &channel, who).await,
        Outward::Vanish { group, channel } => layer.vanish(&group, &channel).await,
    }
}

/// The task that takes questions, and waits for nothing but them.
struct Inquiry<G: Game> {
    layer: Option<Arc<dyn Layer>>,
    answer: Option<Answerer<G>>,
    counters: Arc<Counters>,
    load: Arc<Load>,
    asking: Arc<Semaphore>,
}

impl<G: Game> Inquiry<G> {
    async fn run(self, mut questions: mpsc::UnboundedReceiver<Question<G>>) {
        while let Some(question) = questions.recv().await {
            match question {
                Question::List(feed) => {
                    if let Some(layer) = &self.layer {
                        tokio::spawn(feed.list(Arc::clone(layer)));
                    }
                }
                Question::Ask(query, port) => self.ask(query, port),
            }
        }
    }

    /// Questions are answered side by side, some at a time. The permit is waited for in the
    /// question's own task, and permits are given in order.
    fn ask(&self, query: G::Query, port: RoomPort<G>) {
        let (load, counters) = (Arc::clone(&self.load), Arc::clone(&self.counters));
        let (answer, asking) = (self.answer.clone(), Arc::clone(&self.asking));
        tokio::spawn(async move {
            let answer = match answer {
                Some(answer) => answered::<G>(&answer, query, &asking, &counters).await,
                None => query,
            };
            load.queries.fetch_sub(1, Ordering::AcqRel);
            port.world.counters().queries_waiting.subtract(1);
            // There are at most as many as were asked, so one always fits.
            let _ = port.push(RoomIn::Loaded(answer));
        });
    }
}

/// The answer; or the question itself, if whoever answers panics or takes for ever. The time is
/// counted from here, the wait for others' answers included.
async fn answered<G: Game>(
    answer: &Answerer<G>,
    query: G::Query,
    asking: &Semaphore,
    counters: &Counters,
) -> G::Query {
    let bytes = codec::encode(&query);
    let failed = |words: &str| {
        counters.queries_failed.add(1);
        tracing::error!(game = G::NAME, words, "a query was not answered");
    };
    let asked = AssertUnwindSafe(async {
        let _permit = asking.acquire().await;
        answer(query).await
    });
    match tokio::time::timeout(ANSWER_WITHIN, asked.catch_unwind()).await {
        Ok(Ok(answer)) => return answer,
        Ok(Err(payload)) => {
            failed(panics::message(&*payload));
            panics::drop_caught(payload);
        }
        Err(_) => failed("it took too long"),
    }
    codec::decode(&bytes).expect("a query reads back what it wrote")
}

//! Two servers on one Redis, with people in a chat of both.

use downbeat::layer::{Address, LayerError, LayerLimits, Message, Received, Receiver, open_queue};
use downbeat_scenarios::Chat;
use downbeat_scenarios::chat::{Entry, Event, Input, Kind};
use downbeat_server::config::{LayerBackend, LayerConfig, RedisFormat};
use downbeat_server::{App, Config, Running};
use downbeat_tests::probe::Probe;
use downbeat_tests::talk::{Said, Talk};

use crate::asking::metric_of;
use crate::guard::{Redis, Setup, eventually, redis};
use crate::member::{Member, Seen, Steady};

/// Messages that are sent while Redis is away, so many at a time, and how long each is.
/// Together far more than a process may keep.
const SENT: usize = 20_000;
const SENT_AT_ONCE: usize = 2_000;
const SENT_BYTES: usize = 8 * 1024;

/// What each of the talkers says meanwhile; as much as a member may say at once.
const SAID_AT_ONCE: usize = 4;

/// Commands that may be on their way to Redis when it stops: docs/layer-redis.md.
const ON_THEIR_WAY_MAX: u64 = 1024;

const LOBBY: &str = "room.chat.lobby";

pub(crate) struct Scene {
    pub(crate) redis: Vec<Redis>,
    here: Running,
    there: Running,
    ada: Member<Chat>,
    bob: Member<Chat>,
    cyd: Option<Member<Chat>>,
    dan: Option<Member<Chat>>,
    /// They talk in a room that sends whatever they say over the layer, however much it is.
    talkers: Vec<Member<Talk>>,
    steady: [Steady; 2],
    /// Who listens over there to what is sent from here.
    bulk: Receiver,
}

impl Scene {
    pub(crate) async fn open(format: RedisFormat) -> Option<Self> {
        let redis = redis(1)?;
        let setup = Setup {
            format,
            is_sealed: false,
            hosts: 1,
        };
        let layer = setup.config(&redis);
        let (here, there) = (start(&layer).await, start(&layer).await);
        let bulk = open_queue(
            &**there.services().layer(),
            Address::Unique("bulk"),
            &LayerLimits::default(),
        );
        let bulk = bulk.expect("opened");
        let added = there
            .services()
            .layer()
            .group_add("bulk", bulk.name())
            .await;
        added.expect("added");
        let mut talkers = Vec::new();
        for n in 0..8 {
            talkers.push(Member::join(here.addr().port(), "crowd", &format!("Talker {n}")).await);
        }
        Some(Self {
            ada: Member::join(here.addr().port(), "lobby", "Ada").await,
            bob: Member::join(there.addr().port(), "lobby", "Bob").await,
            cyd: None,
            dan: Some(Member::join(there.addr().port(), "lobby", "Dan").await),
            talkers,
            steady: [
                Steady::join(here.addr().port()).await,
                Steady::join(there.addr().port()).await,
            ],
            bulk,
            redis,
            here,
            there,
        })
    }

    /// A line of each side is shown on both.
    pub(crate) async fn hear_each_other(&self, word: &str) {
        for (who, name) in [(&self.ada, "Ada"), (&self.bob, "Bob")] {
            let text = format!("{word} it, {name}");
            who.input(Input::Say { text: text.clone() });
            for hears in self.chatters() {
                let what = format!("{name}'s line is heard: {text}");
                hears
                    .until(&what, |seen| lines(seen).contains(&&*text))
                    .await;
            }
        }
    }

    /// These are there, each once, as all see it, and nobody else.
    pub(crate) async fn see_each_other(&self, names: &[&str]) {
        for sees in self.chatters() {
            let what = format!("it sees {names:?}");
            sees.until(&what, |seen| people(seen) == names).await;
        }
        for server in [&self.here, &self.there] {
            let present = server.services().present(LOBBY).await.expect("it answers");
            let mut present: Vec<_> = present.iter().map(|who| who.name.as_str()).collect();
            present.sort_unstable();
            assert_eq!(present, names);
        }
    }

    /// What Redis is not told of, for it is away, or was not yet asked since it knows nothing.
    pub(crate) async fn somebody_comes_and_goes(&mut self) {
        let cyd = Member::join(self.here.addr().port(), "lobby", "Cyd").await;
        let text = "said alone".to_owned();
        self.ada.input(Input::Say { text: text.clone() });
        let hears = |seen: &mut Seen<Chat>| lines(seen).contains(&&*text);
        cyd.until("those of one server hear each other", hears)
            .await;
        self.cyd = Some(cyd);
        let dan = self.dan.take().expect("still there");
        dan.leave();
        let gone = || dan.seen().goodbye.is_some();
        eventually("gone", gone).await;
    }

    /// Sends far more than may be kept: all of it is refused, and counted.
    pub(crate) async fn messages_are_refused_and_none_is_kept(&self) {
        let failed = self.metric("downbeat_layer_failed_total ").await;
        let resident = resident_bytes();
        let message = Message::of("test.bulk").with("text", "x".repeat(SENT_BYTES));
        for _ in 0..SENT / SENT_AT_ONCE {
            for talker in &self.talkers {
                for _ in 0..SAID_AT_ONCE {
                    let message = "over there?".to_owned();
                    talker.input(Said { message });
                }
            }
            let sends = (0..SENT_AT_ONCE).map(|_| {
                let (services, message) = (self.here.services(), message.clone());
                tokio::spawn(async move { services.group_send("bulk", message).await })
            });
            for sent in sends.collect::<Vec<_>>() {
                let sent = sent.await.expect("no panic");
                assert!(matches!(sent, Err(LayerError::Unavailable(_))), "{sent:?}");
            }
            for talker in &self.talkers {
                talker.is_answered().await;
            }
        }
        let grown = resident_bytes().saturating_sub(resident);
        assert!(grown < SENT * SENT_BYTES / 2, "{grown} bytes more");
        let said = self.talkers.len() * SAID_AT_ONCE * (SENT / SENT_AT_ONCE);
        for talker in &self.talkers {
            let heard = |seen: &mut Seen<Talk>| seen.view.events.len() == said;
            talker
                .until("those of one room hear each other", heard)
                .await;
        }
        let failed = self.metric("downbeat_layer_failed_total ").await - failed;
        assert!(failed >= said as u64, "{failed} of {said} are counted");
    }

    /// What was refused is not sent later, but for what Redis had got already.
    pub(crate) fn only_what_was_on_its_way_came_late(&self) {
        let mut came = self.bulk.lost();
        while let Some(received) = self.bulk.try_receive() {
            came += u64::from(matches!(received, Received::Message(_)));
        }
        assert!(came <= ON_THEIR_WAY_MAX, "{came}");
    }

    /// How often each server was, and its rooms were.
    pub(crate) async fn told_of_gaps(&self) -> [(u64, u64); 2] {
        [told(&self.here).await, told(&self.there).await]
    }

    /// The people are told that something may be missing, and the operators are.
    pub(crate) async fn were_told_of_the_gap(&self, before: [(u64, u64); 2]) {
        for member in [&self.ada, &self.bob] {
            let is_told = |seen: &mut Seen<Chat>| seen.view.events.contains(&Event::Missed);
            member.until("told of the gap", is_told).await;
        }
        for (now, before) in self.told_of_gaps().await.into_iter().zip(before) {
            assert!(now.0 > before.0 && now.1 > before.1, "{now:?}, {before:?}");
        }
    }

    pub(crate) fn are_connected(&self) -> bool {
        let all = [&self.here, &self.there];
        all.iter().all(|server| is_connected(server))
    }

    pub(crate) fn are_away(&self) -> bool {
        !is_connected(&self.here) && !is_connected(&self.there)
    }

    /// Frames that came so far on either side.
    pub(crate) fn frames(&self) -> [usize; 2] {
        [self.steady[0].frames(), self.steady[1].frames()]
    }

    /// All of them are still in, and no tick was missing.
    pub(crate) async fn were_undisturbed(self) {
        for member in self.chatters() {
            member.is_answered().await;
        }
        for talker in &self.talkers {
            talker.is_answered().await;
        }
        for steady in self.steady {
            steady.was_undisturbed().await;
        }
    }

    fn chatters(&self) -> impl Iterator<Item = &Member<Chat>> {
        [&self.ada, &self.bob].into_iter().chain(&self.cyd)
    }

    async fn metric(&self, name: &'static str) -> u64 {
        metric_of(&self.here, name).await
    }
}

async fn start(layer: &LayerConfig) -> Running {
    let mut config = Config::for_tests();
    config.admin = Some(([127, 0, 0, 1], 0).into());
    config.layer = LayerConfig {
        backend: LayerBackend::Redis,
        ..layer.clone()
    };
    let app = App::new().game::<Chat>().game::<Probe>().game::<Talk>();
    let running = app.start(config).await.expect("starts");
    eventually("connected", || is_connected(&running)).await;
    running
}

fn is_connected(server: &Running) -> bool {
    server.services().layer().health().is_ok()
}

async fn told(server: &Running) -> (u64, u64) {
    let gaps = metric_of(server, "downbeat_layer_gaps_total ").await;
    (
        gaps,
        metric_of(server, "downbeat_layer_missed_total ").await,
    )
}

fn entries(seen: &Seen<Chat>, kind: Kind) -> impl Iterator<Item = &Entry> {
    let all = seen.view.entities.values();
    all.filter(move |entry| entry.kind == kind)
}

/// What was said, as somebody sees it.
fn lines(seen: &Seen<Chat>) -> Vec<&str> {
    entries(seen, Kind::Line)
        .map(|entry| &*entry.text)
        .collect()
}

/// Who is there, as somebody sees it.
fn people(seen: &Seen<Chat>) -> Vec<&str> {
    let mut names: Vec<_> = entries(seen, Kind::Person)
        .map(|entry| &*entry.name)
        .collect();
    names.sort_unstable();
    names
}

/// What this process takes of the machine's memory.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.expect("it is told").trim().trim_end_matches(" kB");
    kib.parse::<usize>().expect("a number") * 1024
}

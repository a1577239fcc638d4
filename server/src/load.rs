//! `downbeat load`: thousands of bots over real WebSockets, and what they measured.
//!
//! In: a server's URL, a game with its [`Bot`](downbeat::Bot), options. Out: a [`Summary`], on
//! stdout, as JSON and as an HTML report. Knows nothing of the server's inside: it speaks
//! PROTOCOL.md like any other client, and could run on another machine.
//!
//! ```text
//! target → bot (pace, acks, cuts) → tally → second → progress, report
//!                                   └→ summary → table, JSON, report
//! ```

mod durations;
mod options;
mod target;
mod stage;
mod pace;
mod acks;
mod cuts;
mod tally;
mod trace;
mod bot;
mod conductor;
mod second;
mod summary;
mod progress;
mod report;
mod outputs;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use downbeat::Game;
use tokio::task::JoinSet;

use self::bot::Course;
use self::conductor::Conductor;
pub(crate) use self::options::LoadOptions;
use self::outputs::Outputs;
use self::progress::Progress;
use self::stage::Stage;
use self::summary::Setup;
pub(crate) use self::summary::Summary;
use self::tally::{Tallies, Tally};
use self::target::Target;
pub(crate) use self::target::TargetError;

/// How long the goodbyes may take; a bot notices the end within a second.
const LEAVE_WITHIN: Duration = Duration::from_secs(4);

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The options make no sense.
    #[error("{0}")]
    Options(String),
    /// There is no such server.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A result cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Output {
        /// Where to.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Not one client got in.
    #[error("none of {clients} clients connected: {why}")]
    NothingConnected {
        /// How many tried.
        clients: u32,
        /// What most of them were told.
        why: String,
    },
    /// It ended before it began.
    #[error("stopped before all were connected: nothing was measured")]
    Stopped,
}

impl LoadError {
    /// The exit code that goes with it: 2 for a mistake in the options, 1 for the rest.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Options(_) | Self::Target(_) | Self::Output { .. } => 2,
            Self::NothingConnected { .. } | Self::Stopped => 1,
        }
    }
}

/// Lets bots of `G` loose on a server, and says what they met.
///
/// # Errors
/// If the options make no sense, or nothing could be measured.
pub(crate) async fn run<G: Game>(options: &LoadOptions) -> Result<Summary, LoadError> {
    options.check()?;
    options.raise_descriptor_limit()?;
    let outputs = Outputs::open(options)?;
    let course = Arc::new(Course {
        target: Target::resolve(&options.url, &options.game).await?,
        stage: Stage::new(),
        tallies: Tallies::new(),
        think_every: options.think_every(),
        cut_every: options.cut_every(),
        seed: options.seed,
        trace: options.trace,
    });
    let mut progress = Progress::new(options.quiet, options.ramp() + options.duration);
    if course.think_every.is_some() && G::bot(options.seed).is_none() {
        let game = &options.game;
        progress.note(&format!("the game {game} has no bot: clients only watch"));
    }
    let mut bots = JoinSet::new();
    for place in options.places() {
        bots.spawn(bot::live::<G>(Arc::clone(&course), place));
    }
    let mut conductor = Conductor {
        course: &course,
        clients: options.clients,
        total: Tally::default(),
        seconds: Vec::new(),
        progress: &mut progress,
    };
    let measured = {
        let mut interrupted = pin!(interrupted());
        tokio::select! {
            measured = conductor.conduct(options.ramp(), options.duration) => measured,
            () = &mut interrupted => conductor.stop(),
        }
    };
    course.stage.end();
    drop_dead_at_next_interrupt();
    let _ = tokio::time::timeout(LEAVE_WITHIN, async {
        while bots.join_next().await.is_some() {}
    })
    .await;
    conductor.total.absorb(&mut course.tallies.collect());

    let Conductor { total, seconds, .. } = conductor;
    progress.finish();
    let measured = measured.map_err(|nothing| nothing.explain(options.clients, &total))?;
    let setup = Setup {
        game: options.game.clone(),
        clients: options.clients,
        rooms: options.rooms_used(),
        connected: measured.connected,
        measured: measured.length,
    };
    let summary = Summary::new(setup, &total);
    outputs.write(&summary, &seconds, options)?;
    Ok(summary)
}

/// Ctrl-C; never, where there is no such thing.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// From here on Ctrl-C does not wait for goodbyes.
fn drop_dead_at_next_interrupt() {
    tokio::spawn(async {
        interrupted().await;
        std::process::exit(130);
    });
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use downbeat::client::View;
    use downbeat::wire::Welcome;
    use downbeat::{OpenError, Player, PlayerId, Refusal, Replicate, Rng, Room, Seat, Tick, Vec2};
    use futures_util::{SinkExt as _, StreamExt as _};
    use serde::{Deserialize, Serialize};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
    use tokio_tungstenite::tungstenite::http::HeaderValue;

    use super::options::tests::options;
    use super::*;
    use crate::{App, Config};

    /// Bots walk east; room `load-2` of this game lets nobody in.
    #[derive(Serialize, Deserialize)]
    struct Field;

    #[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
    struct Walker {
        #[replicate(position)]
        at: Vec2,
    }

    #[downbeat::game]
    impl Game for Field {
        const NAME: &'static str = "field";
        const TICK_RATE_HZ: u16 = 50;
        type Entity = Walker;
        type Input = f32;

        fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
            Ok(Self)
        }

        fn join(&mut self, room: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
            if room.name() == "load-2" {
                return Err(Refusal::LOCKED);
            }
            Ok(Seat::Avatar(room.spawn(Walker { at: Vec2::ZERO })))
        }

        fn input(&mut self, room: &mut Room<Self>, player: PlayerId, step: f32) {
            if let Some(walker) = room.avatar(player).and_then(|id| room.entity_mut(id)) {
                walker.at.x += step;
            }
        }

        fn bot(_: u64) -> Option<Box<dyn downbeat::Bot<Self>>> {
            Some(Box::new(|_: &View<Self>, _: &mut Rng| Some(1.0)))
        }
    }

    async fn load(address: SocketAddr, more: &str) -> Result<Summary, LoadError> {
        let line = format!("--url ws://{address} --game field --duration 1s --ramp 100ms --quiet");
        run::<Field>(&options(&format!("{line} {more}")).expect("correct options")).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn bots_play_and_all_is_measured() {
        let app = App::new().game::<Field>();
        let server = app.start(Config::for_tests()).await.expect("starts");
        let folder = tempfile::tempdir().expect("a folder");
        let (json, report) = (folder.path().join("a.json"), folder.path().join("a.html"));
        let files = format!("--json {} --report {}", json.display(), report.display());
        let more = format!("--clients 8 --room main --inputs-per-s 20 {files}");
        let summary = load(server.addr(), &more).await.expect("measured");

        assert_eq!(summary.connected, 8);
        // Fifty a second, if every input moves somebody in another tick; a loaded machine is
        // slower, but nothing may be lost.
        assert!(summary.frames_expected >= 8 * 15, "{summary}");
        assert_eq!(summary.frames_received, summary.frames_expected);
        assert!(summary.inputs_sent >= 8 * 10, "{summary}");
        assert!(summary.input_ack_ms.p50.is_some_and(|ms| ms < 500.0));
        assert!(summary.bytes_per_client_s > 100.0);
        assert!(summary.moved_pct.is_some_and(|pct| pct > 5.0), "{summary}");
        assert_eq!(summary.view_mismatches, 0, "{summary}");
        assert!(summary.disconnects.is_empty(), "{summary}");
        assert!(summary.problems.is_empty(), "{summary}");

        let json = std::fs::read_to_string(json).expect("written");
        assert_eq!(json.trim(), serde_json::to_string(&summary).expect("data"));
        let report = std::fs::read_to_string(report).expect("written");
        assert!(report.contains("<svg"));
        // They said goodbye instead of breaking off.
        assert_eq!(server.counters().members.value(), 0);
        server.stop().await.expect("stops");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn row_26_bots_whose_lines_are_cut_come_back_as_the_same_members() {
        let app = App::new().game::<Field>();
        let server = app.start(Config::for_tests()).await.expect("starts");
        let more = "--clients 16 --room main --inputs-per-s 10 --resume-rate 60";
        let summary = load(server.addr(), more).await.expect("measured");
        assert!(summary.resumed >= 2, "{summary}");
        assert!(summary.problems.is_empty(), "{summary}");
        assert!(summary.disconnects.is_empty(), "{summary}");
        assert_eq!(summary.view_mismatches, 0, "{summary}");
        assert_eq!(summary.inputs_refused, 0, "{summary}");
        server.stop().await.expect("stops");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_load_driver_that_was_held_up_does_not_hide_it() {
        let app = App::new().game::<Field>();
        let server = app.start(Config::for_tests()).await.expect("starts");
        let address = server.addr();
        let more = "--clients 4 --inputs-per-s 20";
        let run = tokio::spawn(async move { load(address, more).await });
        tokio::time::sleep(Duration::from_millis(600)).await;
        // The only worker: no bot gets to think meanwhile, and each sends late.
        tokio::spawn(async { std::thread::sleep(Duration::from_millis(400)) });
        let summary = run.await.expect("no panic").expect("measured");
        assert!(
            summary.driver_late_ms.p99.is_some_and(|ms| ms > 250.0),
            "{summary}"
        );
        assert!(
            summary.input_ack_ms.p99.is_some_and(|ms| ms > 250.0),
            "{summary}"
        );
        assert!(
            summary.inputs_sent >= 4 * 18,
            "sent late, but sent: {summary}"
        );
        server.stop().await.expect("stops");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_member_that_is_refused_is_a_disconnect_with_its_reason() {
        let app = App::new().game::<Field>();
        let server = app.start(Config::for_tests()).await.expect("starts");
        let summary = load(server.addr(), "--clients 4 --rooms 2")
            .await
            .expect("two play");
        assert_eq!(summary.connected, 2);
        assert_eq!(summary.disconnects.get("4003"), Some(&2), "{summary}");
        assert_eq!(
            summary.problems.get("closed with 4003: room is locked"),
            Some(&2),
            "{summary}"
        );
        server.stop().await.expect("stops");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_is_not_there_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let told = load(address, "--clients 3").await.expect_err("nobody");
        assert_eq!(told.exit_code(), 1);
        let told = told.to_string();
        assert!(
            told.starts_with("none of 3 clients connected: could not connect: "),
            "{told}"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_limit_that_turns_bots_away_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let _ = socket.read(&mut request).await;
                let body = "too many connections from this address";
                let answer = format!(
                    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: {}\r\n\r\n\
                     {body}",
                    body.len()
                );
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        let told = load(address, "--clients 2").await.expect_err("nobody");
        assert_eq!(
            told.to_string(),
            "none of 2 clients connected: the server says 429 Too Many Requests: too many \
             connections from this address (again in 5 s)"
        );
    }

    /// A server that says welcome, then a first frame, then what it is told to.
    async fn nonsense(then: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                #[expect(clippy::result_large_err, reason = "the library's signature")]
                let choose = |_: &Request, mut response: Response| {
                    let chosen = HeaderValue::from_static(downbeat::wire::SUBPROTOCOL);
                    let name = "Sec-WebSocket-Protocol";
                    response.headers_mut().insert(name, chosen);
                    Ok(response)
                };
                let accepted = tokio_tungstenite::accept_hdr_async(socket, choose).await;
                let mut socket = accepted.expect("a bot");
                let welcome = Welcome {
                    player: 1,
                    seat: Seat::Spectator,
                    tick: Tick::new(5),
                    tick_rate_hz: 20,
                    space: downbeat::Space::Whole,
                    game: "field".into(),
                    room: "load-1".into(),
                    name: "bot-1".into(),
                    taken: 0,
                    resume: String::new(),
                };
                tokio::spawn(async move {
                    let first = vec![0x81, 6, 0, 1, 0];
                    for bytes in [welcome.encode(), first, then.to_vec()] {
                        let _ = socket.send(Message::Binary(bytes.into())).await;
                    }
                    while let Some(Ok(_)) = socket.next().await {}
                });
            }
        });
        address
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_checksum_that_does_not_fit_is_a_view_mismatch_and_play_goes_on() {
        // A view of the one cell, in which nobody is, and a checksum of somebody.
        let frame = &[
            0x80, 7, 0, 2, 0, 7, 0, 0, 0xfc, 0, 0, 0, 1, 8, 24, 0, 0x12, 0x34,
        ];
        let address = nonsense(frame).await;
        let summary = load(address, "--clients 1 --inputs-per-s 0").await;
        let summary = summary.expect("it plays to the end");
        assert_eq!(summary.view_mismatches, 1, "{summary}");
        assert!(summary.to_string().contains("1 mismatch\n"), "{summary}");
        assert!(summary.disconnects.is_empty(), "{summary}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_cannot_be_is_a_view_mismatch() {
        for (then, what) in [
            (
                &[0x84, 7, 0, 2, 0, 9, 0, 0][..],
                "view mismatch: input 9 is acknowledged, but only 0 were sent",
            ),
            (
                &[0x80, 7, 0, 3, 0],
                "view mismatch: more frames were due than there were ticks",
            ),
            (&[9], "view mismatch: byte 1: unknown message 9"),
        ] {
            let address = nonsense(then).await;
            // It may come before the measurement begins or after.
            match load(address, "--clients 1 --inputs-per-s 0").await {
                Ok(summary) => {
                    assert_eq!(summary.view_mismatches, 1);
                    assert_eq!(summary.problems.get(what), Some(&1), "{summary}");
                    assert!(summary.disconnects.is_empty(), "our own end: {summary}");
                }
                Err(told) => assert!(told.to_string().ends_with(what), "{told}"),
            }
        }
    }
}

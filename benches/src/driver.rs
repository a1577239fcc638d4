//! `figures drive`: bots on one thread against any server, as a process of its own that can be
//! pinned to a core. It reads no more of a frame than its head, so that what it costs is the
//! kernel's part.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use self::cadence::Cadence;
use self::client::{Client, Desk, Stage};
pub(crate) use self::report::Report;
use self::watch::Tally;
use crate::cpu;
use crate::subject::Subject;

mod cadence;
mod watch;
mod client;
mod report;

/// New connections per second: more would show in the frames of those who already play.
const CONNECTS_PER_S: u32 = 1000;
/// Connections that are not in the game yet; more wait for those.
const CONNECTING_MAX: usize = 128;
/// How long everybody may take beyond the pace of the connects.
const RAMP_MARGIN: Duration = Duration::from_secs(10);
/// From the last welcome to the window: keyframes are through.
const SETTLE: Duration = Duration::from_secs(2);
/// How often the driver looks at its sockets. It does not wait for them: the server would pay for
/// waking it up with every frame, which a network between the two would do for it.
const TURN_EVERY: Duration = Duration::from_millis(1);
const INPUTS_PER_S: u32 = 10;
/// Descriptors that are no clients.
const DESCRIPTORS_OWN: u64 = 16;

/// Whom to load, and how.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) address: SocketAddr,
    pub(crate) subject: &'static Subject,
    pub(crate) clients: u32,
    /// Clients of one room.
    pub(crate) rooms_of: u32,
    /// Length of the window.
    pub(crate) seconds: u32,
    /// The server's process.
    pub(crate) pid: u32,
}

impl Options {
    /// As they stand behind `drive`: `ADDRESS GAME CLIENTS ROOMS_OF SECONDS PID`.
    ///
    /// # Errors
    /// If one is missing or wrong.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let [address, game, numbers @ ..] = arguments else {
            return Err("drive ADDRESS GAME CLIENTS ROOMS_OF SECONDS PID".into());
        };
        let parse = |text: &String| text.parse().map_err(|e| format!("{text}: {e}"));
        let numbers = numbers.iter().map(parse).collect::<Result<Vec<u32>, _>>()?;
        let &[clients, rooms_of, seconds, pid] = &numbers[..] else {
            return Err("drive needs an address, a game and four numbers".into());
        };
        if clients.min(rooms_of).min(seconds) == 0 {
            return Err("no clients, rooms of nobody or no time measure nothing".into());
        }
        Ok(Self {
            address: address.parse().map_err(|e| format!("{address}: {e}"))?,
            subject: Subject::of(game)?,
            clients,
            rooms_of,
            seconds,
            pid,
        })
    }

    /// The words that [`Options::parse`] reads.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let game = self.subject.game.to_owned();
        let numbers = [self.clients, self.rooms_of, self.seconds, self.pid];
        [self.address.to_string(), game]
            .into_iter()
            .chain(numbers.map(|number| number.to_string()))
            .collect()
    }

    fn request(&self, client: usize) -> String {
        let room = client / self.rooms_of as usize;
        let path = format!("/ws/{}/room-{room}", self.subject.game);
        crate::websocket::request(&self.address.to_string(), &path)
    }
}

/// Connects everybody, measures, and reports.
///
/// # Errors
/// If the system does not let it: descriptors, epoll, a server that is not there.
pub(crate) fn drive(options: Options) -> Result<Report, String> {
    let needed = u64::from(options.clients) + DESCRIPTORS_OWN;
    let allowed = rlimit::increase_nofile_limit(needed).map_err(|e| e.to_string())?;
    if allowed < needed {
        return Err(format!(
            "{needed} descriptors are needed and {allowed} allowed: ulimit -Hn"
        ));
    }
    let mut driver = Driver::new(options)?;
    driver.ramp()?;
    driver.run_until(Instant::now() + SETTLE)?;
    driver.measure()
}

struct Driver {
    options: Options,
    poll: Poll,
    events: Events,
    /// When to look again.
    turn_at: Instant,
    clients: Vec<Client>,
    connects: Cadence,
    /// Of all clients together, one after the other.
    inputs: Cadence,
    desk: Desk,
    playing: usize,
    disconnects: u32,
    problem: Option<String>,
}

impl Driver {
    fn new(options: Options) -> Result<Self, String> {
        let now = Instant::now();
        Ok(Self {
            options,
            poll: Poll::new().map_err(|e| e.to_string())?,
            events: Events::with_capacity(1024),
            turn_at: now,
            clients: Vec::new(),
            connects: Cadence::new(now, CONNECTS_PER_S),
            inputs: Cadence::new(now, INPUTS_PER_S * options.clients),
            desk: Desk {
                rng: downbeat::seeded(1, "driver", 0, "inputs and masks"),
                buffer: vec![0; 64 * 1024],
                message: Vec::new(),
                tally: None,
                bytes: 0,
            },
            playing: 0,
            disconnects: 0,
            problem: None,
        })
    }

    /// Connects at a steady pace until everybody plays, is gone, or takes too long.
    fn ramp(&mut self) -> Result<(), String> {
        let pace = Duration::from_secs((self.options.clients / CONNECTS_PER_S).into());
        let deadline = Instant::now() + pace + RAMP_MARGIN;
        loop {
            let gone = self.disconnects as usize;
            let playing = self.playing;
            let now = Instant::now();
            let all = self.options.clients as usize;
            if playing + gone >= all || now > deadline {
                return Ok(());
            }
            let mut waiting = self.clients.len() - playing - gone;
            while self.clients.len() < all && waiting < CONNECTING_MAX && self.connects.take(now) {
                self.connect()?;
                waiting += 1;
            }
            self.turn(now + Duration::from_millis(2))?;
        }
    }

    fn connect(&mut self) -> Result<(), String> {
        let number = u32::try_from(self.clients.len()).map_err(|e| e.to_string())?;
        let hello = (self.options.subject.hello)(number);
        let mut client = Client::connect(self.options.address, hello).map_err(|e| e.to_string())?;
        self.poll
            .registry()
            .register(
                &mut client.stream,
                Token(self.clients.len()),
                Interest::READABLE | Interest::WRITABLE,
            )
            .map_err(|e| e.to_string())?;
        self.clients.push(client);
        Ok(())
    }

    fn run_until(&mut self, end: Instant) -> Result<(), String> {
        while Instant::now() < end {
            self.turn(end)?;
        }
        Ok(())
    }

    /// Sends the inputs that are due and reads what has come, at the latest until then.
    fn turn(&mut self, until: Instant) -> Result<(), String> {
        let now = Instant::now();
        while self.inputs.take(now) {
            let taken = usize::try_from(self.inputs.taken()).map_err(|e| e.to_string())?;
            let at = taken % self.options.clients as usize;
            if at < self.clients.len() {
                let input = self.options.subject.input;
                let sent = self.clients[at].play(input, &mut self.desk);
                self.handle_result(at, sent);
            }
        }
        let next = until.min(self.turn_at);
        std::thread::sleep(next.saturating_duration_since(now));
        self.turn_at = Instant::now() + TURN_EVERY;
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let polled = self.poll.poll(&mut events, Some(Duration::ZERO));
        for event in &events {
            let Token(at) = event.token();
            let client = &mut self.clients[at];
            let mut result = Ok(());
            let played = client.is_playing();
            if event.is_writable() && client.stage == Stage::Connecting {
                let request = self.options.request(at);
                result = client.handle_connected(&request);
            }
            if event.is_readable() && client.stage != Stage::Gone && result.is_ok() {
                result = client.handle_readable(&mut self.desk);
            }
            self.playing += usize::from(client.is_playing() && !played);
            self.handle_result(at, result);
        }
        self.events = events;
        match polled {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    fn handle_result(&mut self, at: usize, result: Result<(), String>) {
        let Err(problem) = result else {
            return;
        };
        let client = &mut self.clients[at];
        self.playing -= usize::from(client.is_playing());
        client.stage = Stage::Gone;
        // Nobody is left whom a failure would matter to.
        let _ = self.poll.registry().deregister(&mut client.stream);
        let _ = client.stream.shutdown(std::net::Shutdown::Both);
        self.disconnects += 1;
        self.problem.get_or_insert(problem);
    }

    /// The window itself.
    fn measure(&mut self) -> Result<Report, String> {
        let playing = self.playing;
        let own = std::process::id();
        let length = Duration::from_secs(self.options.seconds.into());
        let pid = self.options.pid;
        let used = || {
            Ok::<_, String>([
                cpu::seconds(pid)?,
                cpu::seconds(own)?,
                cpu::everybodys_seconds()?,
            ])
        };
        let before = used()?;
        let began = Instant::now();
        (self.desk.tally, self.desk.bytes) = (Some(Tally::new()), 0);
        self.run_until(began + length)?;
        let ended = Instant::now();
        let after = used()?;
        let [server, driver, all] = std::array::from_fn(|i| after[i] - before[i]);
        let mut tally = self.desk.tally.take().ok_or("there was no window")?;
        let period = Duration::from_secs(1) / self.options.subject.tick_rate_hz.into();
        for client in &self.clients {
            client.watch.settle_up(began, ended, period, &mut tally);
        }
        let window_s = (ended - began).as_secs_f64();
        let millis = |quantile| {
            let gap = tally.gaps_us.value_at_quantile(quantile);
            Duration::from_micros(gap).as_secs_f64() * 1e3
        };
        let playing = u32::try_from(playing).map_err(|e| e.to_string())?;
        Ok(Report {
            clients: self.options.clients,
            playing,
            window_s,
            frames_due: float(tally.frames_due)?,
            frames_by_clock: tally.watched.as_secs_f64() / period.as_secs_f64(),
            frames_received: float(tally.frames_received)?,
            interframe_p50_ms: millis(0.5),
            interframe_p99_ms: millis(0.99),
            bytes_per_client_s: float(self.desk.bytes)? / window_s / f64::from(playing.max(1)),
            disconnects: self.disconnects,
            server_cpu_s: server,
            driver_cpu_s: driver,
            others_cpu_s: (all - server - driver).max(0.0),
            problem: self.problem.take(),
        })
    }
}

/// Counts of a window stay far below 2³².
fn float(count: u64) -> Result<f64, String> {
    u32::try_from(count)
        .map(f64::from)
        .map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_back_from_their_words() {
        let words = "127.0.0.1:7777 bare 100 50 8 42".split(' ');
        let words: Vec<_> = words.map(str::to_owned).collect();
        let options = Options::parse(&words).expect("legal");
        assert_eq!(options.arguments(), words);
        assert!(options.request(99).starts_with("GET /ws/bare/room-1 "));
        for (at, wrong) in [(0, "here"), (1, "chess"), (2, "0"), (5, "-1")] {
            let mut words = words.clone();
            words[at] = wrong.to_owned();
            assert!(Options::parse(&words).is_err(), "{wrong}");
        }
        assert!(Options::parse(&words[..5]).is_err());
    }
}

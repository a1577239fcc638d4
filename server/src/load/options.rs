//! What a person asks of a run: flags, what they must fulfil, and who connects where and when.

use std::path::{Path, PathBuf};
use std::time::Duration;

use downbeat::is_room_name;

use super::LoadError;
use super::bot::Place;
use super::durations;
use super::trace;

/// Clients that connect per second where no ramp is given: slow enough that the handshakes do not
/// show in the frames of those who already play.
const CLIENTS_PER_S: u32 = 200;

/// Thoughts per second: a thought an hour is none, and a thousand a second are a flood whatever
/// the game.
const INPUTS_PER_S_MIN: f64 = 0.001;
/// See [`INPUTS_PER_S_MIN`].
const INPUTS_PER_S_MAX: f64 = 1000.0;

/// Cuts of a bot's line per minute: less than one in a day is none, and more often than each second
/// nobody would get to play.
const SHARE_MIN: f64 = 0.000_5;
/// See [`SHARE_MIN`].
const SHARE_MAX: f64 = 60.0;

/// Less than this is not worth the ramp.
const DURATION_MIN: Duration = Duration::from_secs(1);

/// Descriptors that are no clients: outputs, the runtime, the standard streams.
const DESCRIPTORS_OWN: u64 = 64;

/// What to load, and how.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LoadOptions {
    /// The server
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:7777")]
    pub(crate) url: String,
    /// The game whose bots are to play
    #[arg(long, value_name = "NAME")]
    pub(crate) game: String,
    /// How many bots
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) clients: u32,
    /// Spread them over rooms load-1 to load-R
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rooms: u32,
    /// Send them all into this room instead
    #[arg(long, value_name = "NAME", conflicts_with = "rooms")]
    pub(crate) room: Option<String>,
    /// How long to measure, once all are connected
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = durations::parse)]
    pub(crate) duration: Duration,
    /// Time over which they connect; by default 200 of them per second, at least 1s
    #[arg(long, value_name = "TIME", value_parser = durations::parse)]
    pub(crate) ramp: Option<Duration>,
    /// How often each bot thinks; 0 only watches
    #[arg(long, value_name = "RATE", default_value_t = 10.0, value_parser = parse_rate)]
    pub(crate) inputs_per_s: f64,
    /// Cut this share of the connections in each minute, without a word; their bots resume
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = parse_share)]
    pub(crate) resume_rate: f64,
    /// Write the result as JSON to this file (- for stdout)
    #[arg(long, value_name = "FILE.json")]
    pub(crate) json: Option<PathBuf>,
    /// Write a report with charts to this file
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// What the bots' choices depend on
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Prints what the bots are told and say, decoded, one line each on stdout (at most 4 clients)
    #[arg(long, long_help = trace::HELP, verbatim_doc_comment)]
    pub(crate) trace: bool,
    /// Show no progress
    #[arg(long)]
    pub(crate) quiet: bool,
}

impl LoadOptions {
    /// Refuses what makes no sense, beyond what clap sees.
    pub(super) fn check(&self) -> Result<(), LoadError> {
        if let Some(room) = &self.room
            && !is_room_name(room)
        {
            return Err(LoadError::Options(format!(
                "--room {room}: a room's name is 1-64 letters, digits, dots, underscores and \
                 hyphens"
            )));
        }
        if self.report.is_some() && self.report == self.json {
            return Err(LoadError::Options(
                "--json and --report must be two files".into(),
            ));
        }
        if self.trace && self.clients > trace::CLIENTS_MAX {
            return Err(LoadError::Options(format!(
                "--trace with {} clients: at most {} can be read along; say --clients 1",
                self.clients,
                trace::CLIENTS_MAX
            )));
        }
        if self.trace
            && self
                .json
                .as_deref()
                .is_some_and(|path| path == Path::new("-"))
        {
            return Err(LoadError::Options(
                "--trace and --json - both write to stdout; write the JSON to a file".into(),
            ));
        }
        if self.duration < DURATION_MIN {
            return Err(LoadError::Options(
                "--duration must be at least 1s to measure anything".into(),
            ));
        }
        Ok(())
    }

    /// Each client is a descriptor; by default a process may have a thousand of them.
    pub(super) fn raise_descriptor_limit(&self) -> Result<(), LoadError> {
        let clients = self.clients;
        let needed = u64::from(clients) + DESCRIPTORS_OWN;
        match rlimit::increase_nofile_limit(needed) {
            Ok(limit) if limit < needed => Err(LoadError::Options(format!(
                "--clients {clients} needs {needed} file descriptors, and the system allows \
                 {limit}: raise the hard limit (ulimit -Hn)"
            ))),
            // Where the limit is not known, the connections will tell.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Time over which the clients connect.
    pub(super) fn ramp(&self) -> Duration {
        self.ramp.unwrap_or_else(|| {
            Duration::from_secs_f64(f64::from(self.clients) / f64::from(CLIENTS_PER_S))
                .max(Duration::from_secs(1))
        })
    }

    /// Time between two thoughts of a bot; `None` only watches.
    pub(super) fn think_every(&self) -> Option<Duration> {
        (self.inputs_per_s > 0.0).then(|| Duration::from_secs_f64(1.0 / self.inputs_per_s))
    }

    /// Time between two cuts of a bot's line, on average; `None` never cuts it.
    pub(super) fn cut_every(&self) -> Option<Duration> {
        (self.resume_rate > 0.0).then(|| Duration::from_secs_f64(60.0 / self.resume_rate))
    }

    /// Rooms that get at least one client.
    pub(super) fn rooms_used(&self) -> u32 {
        match self.room {
            Some(_) => 1,
            None => self.rooms.min(self.clients),
        }
    }

    /// Who connects when, and where to: one after another over the ramp, one room after another.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let (ramp, rooms) = (self.ramp(), self.rooms_used());
        (0..self.clients).map(move |number| Place {
            number: number as usize,
            room: match &self.room {
                Some(room) => room.clone(),
                None => format!("load-{}", number % rooms + 1),
            },
            starts: ramp.mul_f64(f64::from(number) / f64::from(self.clients)),
        })
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate == 0.0 || (INPUTS_PER_S_MIN..=INPUTS_PER_S_MAX).contains(&rate) => {
            Ok(rate)
        }
        _ => Err(format!(
            "`{text}` is no rate: 0, or a number from {INPUTS_PER_S_MIN} to {INPUTS_PER_S_MAX}"
        )),
    }
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share == 0.0 || (SHARE_MIN..=SHARE_MAX).contains(&share) => Ok(share),
        _ => Err(format!(
            "`{text}` is no share: 0, or a number from {SHARE_MIN} to {SHARE_MAX}"
        )),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        load: LoadOptions,
    }

    pub(in crate::load) fn options(line: &str) -> Result<LoadOptions, clap::Error> {
        Cli::try_parse_from(["load"].into_iter().chain(line.split_whitespace())).map(|cli| cli.load)
    }

    #[test]
    fn little_has_to_be_said() {
        let options = options("--game meadow").expect("enough");
        assert_eq!(options.clients, 100);
        assert_eq!(options.duration, Duration::from_secs(30));
        assert_eq!(options.ramp(), Duration::from_secs(1));
        assert!(options.check().is_ok());
    }

    #[test]
    fn a_mistake_is_told() {
        for line in [
            "",
            "--game meadow --clients 0",
            "--game meadow --clients many",
            "--game meadow --rooms 0",
            "--game meadow --rooms 2 --room main",
            "--game meadow --duration 30",
            "--game meadow --inputs-per-s -1",
            "--game meadow --inputs-per-s NaN",
            "--game meadow --resume-rate -1",
            "--game meadow --resume-rate 61",
            "--game meadow --colour red",
        ] {
            assert!(options(line).is_err(), "{line}");
        }
        for line in [
            "--game meadow --room a/b",
            "--game meadow --duration 500ms",
            "--game meadow --json a --report a",
            "--game meadow --trace",
            "--game meadow --trace --clients 5",
            "--game meadow --trace --clients 1 --json -",
        ] {
            let told = options(line).expect("parses").check().expect_err(line);
            assert_eq!(told.exit_code(), 2);
            assert!(!told.to_string().contains('\n'));
        }
    }

    #[test]
    fn a_few_bots_can_be_followed_and_a_crowd_cannot() {
        for clients in 1..=trace::CLIENTS_MAX {
            let line = format!("--game meadow --trace --clients {clients}");
            assert!(options(&line).expect("parses").check().is_ok(), "{line}");
        }
        let crowd = options("--game meadow --trace").expect("parses");
        assert_eq!(
            crowd.check().expect_err("a crowd").to_string(),
            "--trace with 100 clients: at most 4 can be read along; say --clients 1"
        );
    }

    #[test]
    fn clients_are_spread_evenly_over_rooms_and_the_ramp() {
        let options = options("--game meadow --clients 1000 --rooms 20").expect("parses");
        let ramp = options.ramp();
        assert_eq!(ramp, Duration::from_secs(5));
        let all: Vec<Place> = options.places().collect();
        assert_eq!(all.len(), 1000);
        for room in 1..=20 {
            let name = format!("load-{room}");
            assert_eq!(all.iter().filter(|p| p.room == name).count(), 50, "{name}");
        }
        assert_eq!(all[500].starts, Duration::from_millis(2500));
        assert!(all.iter().all(|p| p.starts < ramp));
    }
}

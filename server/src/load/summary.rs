//! What a run measured: as numbers for programs, and as a table for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::tally::Tally;

/// A load driver that is later than this has no time left to measure others: a tick at 20 Hz.
const DRIVER_LATE_MS_MAX: f64 = 50.0;

/// The result of a run. As JSON its first nine keys are fixed: other programs read them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    pub(super) clients: u32,
    pub(super) duration_s: f64,
    pub(super) frames_expected: u64,
    pub(super) frames_received: u64,
    pub(super) interframe_ms: Interframe,
    pub(super) input_ack_ms: InputAck,
    pub(super) bytes_per_client_s: f64,
    pub(super) disconnects: BTreeMap<String, u64>,
    /// Checksums of cells that did not fit, and clients that were sent what cannot be.
    pub(super) view_mismatches: u64,

    pub(super) game: String,
    pub(super) rooms: u32,
    /// Clients that played when the measurement began.
    pub(super) connected: u32,
    pub(super) frames_pct: Option<f64>,
    pub(super) inputs_sent: u64,
    pub(super) inputs_refused: u64,
    /// Inputs not acknowledged within a second and until the end.
    pub(super) inputs_unacked: u64,
    /// Share of the ticks in which a bot's avatar moved.
    pub(super) moved_pct: Option<f64>,
    /// How late the load driver itself was.
    pub(super) driver_late_ms: DriverLate,
    /// Clients that had got nothing, not even a heartbeat, for 2 s at the end.
    pub(super) silent: u64,
    /// Lines that were cut and whose members came back.
    pub(super) resumed: u64,
    /// What went wrong, in words, and how often.
    pub(super) problems: BTreeMap<String, u64>,
}

/// Between two frames that were due. Units: milliseconds; `null` where nothing was measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Interframe {
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) p999: Option<f64>,
}

/// From an input's schedule to its ack.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct InputAck {
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
}

/// From a thought's schedule to the thought.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct DriverLate {
    pub(super) p99: Option<f64>,
}

/// What was asked for and came about, beside what was counted.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) game: String,
    pub(super) clients: u32,
    pub(super) rooms: u32,
    pub(super) connected: u32,
    pub(super) measured: Duration,
}

impl Summary {
    pub(super) fn new(setup: Setup, total: &Tally) -> Self {
        let interframe = |q| milliseconds(&total.interframe_us, q);
        let ack = |q| milliseconds(&total.ack_us, q);
        let client_s = total.client_us as f64 / 1e6;
        let codes = total.disconnects.iter();
        Self {
            clients: setup.clients,
            duration_s: rounded(setup.measured.as_secs_f64()),
            frames_expected: total.frames_expected,
            frames_received: total.frames_received,
            interframe_ms: Interframe {
                p50: interframe(0.5),
                p99: interframe(0.99),
                p999: interframe(0.999),
            },
            input_ack_ms: InputAck {
                p50: ack(0.5),
                p99: ack(0.99),
            },
            bytes_per_client_s: rounded(total.bytes as f64 / client_s.max(1e-6)),
            disconnects: codes.map(|(code, n)| (code.to_string(), *n)).collect(),
            view_mismatches: total.view_mismatches,
            game: setup.game,
            rooms: setup.rooms,
            connected: setup.connected,
            frames_pct: percent(total.frames_received, total.frames_expected),
            inputs_sent: total.inputs_sent,
            inputs_refused: total.inputs_refused,
            inputs_unacked: total.inputs_unacked,
            moved_pct: percent(total.ticks_moved, total.ticks),
            driver_late_ms: DriverLate {
                p99: milliseconds(&total.driver_late_us, 0.99),
            },
            silent: total.silent,
            resumed: total.resumed,
            problems: total.problems.clone(),
        }
    }

    /// The same, for people: a name and what is to be said.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let rooms = match self.rooms {
            1 => "1 room".to_owned(),
            rooms => format!("{} rooms", grouped(u64::from(rooms))),
        };
        let mut rows = vec![
            (
                "clients",
                format!(
                    "{} of {} connected, in {}",
                    grouped(u64::from(self.connected)),
                    grouped(u64::from(self.clients)),
                    rooms
                ),
            ),
            ("measured", format!("{:.1} s", self.duration_s)),
            (
                "frames",
                format!(
                    "{} of {} expected{}",
                    grouped(self.frames_received),
                    grouped(self.frames_expected),
                    self.frames_pct
                        .map(|pct| format!(" ({pct} %)"))
                        .unwrap_or_default()
                ),
            ),
            (
                "interframe",
                format!(
                    "p50 {}   p99 {}   p99.9 {}",
                    Ms(self.interframe_ms.p50),
                    Ms(self.interframe_ms.p99),
                    Ms(self.interframe_ms.p999)
                ),
            ),
            (
                "input to ack",
                format!(
                    "p50 {}   p99 {}   (from the moment it was scheduled)",
                    Ms(self.input_ack_ms.p50),
                    Ms(self.input_ack_ms.p99)
                ),
            ),
            (
                "received",
                format!(
                    "{:.2} KiB per client and second (payload and WebSocket headers)",
                    self.bytes_per_client_s / 1024.0
                ),
            ),
            (
                "inputs",
                format!(
                    "{} sent, {} refused, {} never acknowledged",
                    grouped(self.inputs_sent),
                    grouped(self.inputs_refused),
                    grouped(self.inputs_unacked)
                ),
            ),
        ];
        rows.extend(self.rows_of_trouble());
        rows
    }

    fn rows_of_trouble(&self) -> Vec<(&'static str, String)> {
        let mut rows = Vec::new();
        if let Some(moved) = self.moved_pct {
            rows.push(("moved", format!("in {moved:.1} % of the ticks")));
        }
        let late = self.driver_late_ms.p99;
        let advice = if late.is_some_and(|ms| ms > DRIVER_LATE_MS_MAX) {
            ": too late to tell the server's delays from its own; use fewer clients or more cores"
        } else {
            ""
        };
        rows.push((
            "driver",
            format!("bots thought {} late (p99){advice}", Ms(late)),
        ));
        let mut codes = String::new();
        for (code, times) in &self.disconnects {
            let comma = if codes.is_empty() { "" } else { ", " };
            let _ = write!(codes, "{comma}{code}: {}", grouped(*times));
        }
        if codes.is_empty() {
            codes.push_str("none");
        }
        rows.push(("disconnects", codes));
        let mismatches = match self.view_mismatches {
            0 => "no mismatch".to_owned(),
            1 => "1 mismatch".to_owned(),
            n => format!("{} mismatches", grouped(n)),
        };
        rows.push(("views", mismatches));
        if self.resumed > 0 {
            let resumed = grouped(self.resumed);
            rows.push(("resumed", format!("{resumed} times after a cut")));
        }
        if self.silent > 0 {
            let silent = grouped(self.silent);
            rows.push(("silent", format!("{silent} clients got nothing at the end")));
        }
        for (what, times) in &self.problems {
            rows.push(("problem", format!("{} × {what}", grouped(*times))));
        }
        rows
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "load on {}", self.game)?;
        for (name, text) in self.rows() {
            writeln!(f, "  {name:<13} {text}")?;
        }
        Ok(())
    }
}

/// A time that may not have been measured.
struct Ms(Option<f64>);

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(ms) => write!(f, "{ms:.1} ms"),
            None => f.write_str("-"),
        }
    }
}

/// The value below which this share of the times lies.
pub(super) fn milliseconds(times_us: &Histogram<u64>, quantile: f64) -> Option<f64> {
    (!times_us.is_empty()).then(|| rounded(times_us.value_at_quantile(quantile) as f64 / 1000.0))
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 1e6).floor() / 1e4)
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup() -> Setup {
        Setup {
            game: "meadow".into(),
            clients: 1000,
            rooms: 20,
            connected: 999,
            measured: Duration::from_millis(60_000),
        }
    }

    fn total() -> Tally {
        let mut total = Tally {
            frames_expected: 20_000,
            frames_received: 19_999,
            bytes: 5_120_000,
            client_us: 1_000_000_000,
            inputs_sent: 9000,
            ticks: 1000,
            ticks_moved: 875,
            ..Tally::default()
        };
        for ms in 1..=1000 {
            total.interframe_us += ms * 1000;
        }
        total.disconnects.insert(4008, 3);
        total
    }

    #[test]
    fn the_json_has_the_keys_that_others_read() {
        let json = serde_json::to_value(Summary::new(setup(), &total())).expect("plain data");
        assert_eq!(json["clients"], 1000);
        assert_eq!(json["duration_s"], 60.0);
        assert_eq!(json["frames_expected"], 20_000);
        assert_eq!(json["frames_received"], 19_999);
        for (key, expect) in [("p50", 500.0), ("p99", 990.0), ("p999", 999.0)] {
            let measured = json["interframe_ms"][key].as_f64().expect("a number");
            assert!((measured / expect - 1.0).abs() < 0.001, "{key}: {measured}");
        }
        assert_eq!(
            json["input_ack_ms"],
            serde_json::json!({"p50": null, "p99": null}),
            "nothing was measured"
        );
        assert_eq!(json["bytes_per_client_s"], 5120.0);
        assert_eq!(json["disconnects"], serde_json::json!({"4008": 3}));
        assert_eq!(json["view_mismatches"], 0);
        assert_eq!(json["moved_pct"], 87.5);
    }

    #[test]
    fn the_fixed_keys_come_first() {
        let json = serde_json::to_string(&Summary::new(setup(), &total())).expect("plain data");
        let mut at = 0;
        for key in [
            "clients",
            "duration_s",
            "frames_expected",
            "frames_received",
            "interframe_ms",
            "input_ack_ms",
            "bytes_per_client_s",
            "disconnects",
            "view_mismatches",
        ] {
            let found = json.find(&format!("\"{key}\":")).expect(key);
            assert!(found >= at, "{key} comes too early");
            at = found;
        }
    }

    #[test]
    fn one_lost_frame_of_many_is_not_rounded_away() {
        assert_eq!(percent(1_199_999, 1_200_000), Some(99.9999));
        assert_eq!(percent(11_999_999, 12_000_000), Some(99.9999));
        assert_eq!(percent(0, 0), None);
    }

    #[test]
    fn mismatches_are_in_the_table_and_in_the_json() {
        for (mismatches, row) in [(1, "1 mismatch\n"), (1200, "1,200 mismatches\n")] {
            let mut total = total();
            total.view_mismatches = mismatches;
            let summary = Summary::new(setup(), &total);
            assert!(
                summary
                    .to_string()
                    .contains(&format!("  views         {row}"))
            );
            let json = serde_json::to_value(summary).expect("plain data");
            assert_eq!(json["view_mismatches"], mismatches);
        }
    }

    #[test]
    fn the_table_reads_well() {
        let table = Summary::new(setup(), &total()).to_string();
        for line in [
            "load on meadow\n",
            "  clients       999 of 1,000 connected, in 20 rooms\n",
            "  frames        19,999 of 20,000 expected (99.995 %)\n",
            "  received      5.00 KiB per client and second",
            "  input to ack  p50 -   p99 -   ",
            "  disconnects   4008: 3\n",
            "  views         no mismatch\n",
        ] {
            assert!(table.contains(line), "{line:?} is missing in:\n{table}");
        }
    }
}

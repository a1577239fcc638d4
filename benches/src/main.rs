//! `figures [--quick] [PREFIX…]`: measures what the README claims and prints `figure NAME VALUE UNIT`.
//!
//! Everything end to end runs the release binary as a process of its own; bots and server share
//! the machine, as the README says.

use std::io::Write as _;
use std::process::ExitCode;

mod capacity;
mod cpu;
mod costs;
mod driver;
mod epoll;
mod gate;
mod header;
mod idle;
mod jobs;
mod layer;
mod offenders;
mod paths;
mod redis_hop;
mod replication;
mod saturated;
mod search;
mod server;
mod subject;
mod tick;
mod websocket;
mod world;

/// What to measure, and for how long.
pub(crate) struct Plan {
    quick: bool,
    prefixes: Vec<String>,
}

impl Plan {
    /// Whether any of these figures was asked for.
    fn wants(&self, names: &[&str]) -> bool {
        let asked = |name: &&str| {
            self.prefixes
                .iter()
                .any(|prefix| name.starts_with(prefix.as_str()))
        };
        self.prefixes.is_empty() || names.iter().any(asked)
    }
}

/// One line of the result.
pub(crate) fn figure(name: &str, value: f64, unit: &str) {
    // A closed pipe is the reader's wish to stop.
    let _ = writeln!(std::io::stdout(), "figure {name} {value:.3} {unit}");
}

/// Text for whoever asked for it.
pub(crate) fn print(text: &str) {
    // As above.
    let _ = write!(std::io::stdout(), "{text}");
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let Some(done) = part(&arguments) {
        return match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "figures {}: {error}", arguments[0]);
                ExitCode::from(2)
            }
        };
    }
    let mut plan = Plan {
        quick: false,
        prefixes: Vec::new(),
    };
    for argument in arguments {
        match argument.as_str() {
            "--quick" => plan.quick = true,
            flag if flag.starts_with('-') => {
                let _ = writeln!(
                    std::io::stderr(),
                    "benches/run: unknown flag {flag}; use [--quick] [PREFIX…]"
                );
                return ExitCode::from(2);
            }
            prefix => plan.prefixes.push(prefix.to_owned()),
        }
    }
    let measured = [
        (
            &tick::NAMES[..],
            tick::measure as fn(&Plan) -> Result<(), String>,
        ),
        (&idle::NAMES[..], idle::measure),
        (&world::NAMES[..], world::measure),
        (&offenders::NAMES[..], offenders::measure),
        (&replication::NAMES[..], replication::measure),
        (&paths::NAMES[..], paths::measure),
        (&jobs::NAMES[..], jobs::measure),
        (&layer::NAMES[..], layer::measure),
        (&redis_hop::NAMES[..], redis_hop::measure),
        (&gate::NAMES[..], gate::measure),
        (&capacity::NAMES[..], capacity::measure),
        (&saturated::NAMES[..], saturated::measure),
    ];
    let mut known = false;
    for (names, measure) in measured {
        if !plan.wants(names) {
            continue;
        }
        known = true;
        if let Err(error) = measure(&plan) {
            let _ = writeln!(std::io::stderr(), "benches/run: {}: {error}", names[0]);
            return ExitCode::FAILURE;
        }
    }
    if known {
        ExitCode::SUCCESS
    } else {
        let _ = writeln!(
            std::io::stderr(),
            "benches/run: no figure starts with {:?}",
            plan.prefixes
        );
        ExitCode::from(2)
    }
}

/// What figures start as processes of their own: `epoll ADDRESS`, and `drive …`.
fn part(arguments: &[String]) -> Option<Result<(), String>> {
    let (name, rest) = arguments.split_first()?;
    match name.as_str() {
        "epoll" => Some(match rest {
            [address] => match address.parse() {
                Ok(address) => epoll::serve(address).map_err(|e| e.to_string()),
                Err(error) => Err(format!("{address}: {error}")),
            },
            _ => Err("epoll ADDRESS".into()),
        }),
        "costs" => {
            let folder = rest.first().map_or("docs", String::as_str);
            Some(costs::tell(std::path::Path::new(folder)))
        }
        "paths-table" => Some(paths::tell(rest)),
        "drive" => Some(driver::Options::parse(rest).and_then(|options| {
            let report = driver::drive(options)?;
            let json = serde_json::to_string(&report).map_err(|e| e.to_string())?;
            writeln!(std::io::stdout(), "{json}").map_err(|e| e.to_string())
        })),
        _ => None,
    }
}

//! `figures [--quick] [PREFIX…]`: measures what the README claims and prints `figure NAME VALUE UNIT`.
//!
//! Everything end to end runs the release binary as a process of its own; bots and server share
//! the machine, as the README says.

use std::io::Write as _;
use std::process::ExitCode;

mod idle;
mod offenders;
mod server;
mod tick;
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

fn main() -> ExitCode {
    let mut plan = Plan {
        quick: false,
        prefixes: Vec::new(),
    };
    for argument in std::env::args().skip(1) {
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

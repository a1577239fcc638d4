//! Structured logs on stderr.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{Config, LogFormat};

/// Whether this says what to log. A word alone must be a level: the library would take any other
/// for the name of a module that happens to log nothing.
pub(crate) fn is_filter(text: &str) -> bool {
    let is_level = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
    let mut parts = text.split(',');
    parts.all(|part| is_level(part) || part.contains('=')) && EnvFilter::try_new(text).is_ok()
}

/// From here on this process logs; does nothing if it does so already.
pub(crate) fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // An error means that the program that we are part of has set up logs of its own.
    let _ = match config.log_format {
        LogFormat::Text => logs.with_target(false).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_pairs() {
        for text in ["info", "OFF", "warn,downbeat=debug", "downbeat::host=trace"] {
            assert!(is_filter(text), "{text}");
        }
        for text in ["", "verbose", "info,", "downbeat=loud"] {
            assert!(!is_filter(text), "{text}");
        }
    }
}

//! The live line: a bar on a terminal, a line every few seconds elsewhere. Goes to stderr, so that
//! stdout holds nothing but results.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::second::Second;

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Where progress is shown.
#[derive(Debug)]
pub(super) enum Progress {
    Bar(ProgressBar),
    Lines { next: Duration },
    Quiet,
}

impl Progress {
    /// A bar of so many seconds, if somebody looks at it.
    pub(super) fn new(quiet: bool, whole: Duration) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines {
                next: Duration::ZERO,
            };
        }
        let length = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{elapsed:>4} [{bar:24}] {wide_msg}")
            .expect("the template is correct")
            .progress_chars("=> ");
        bar.set_style(style);
        Self::Bar(bar)
    }

    /// Shows how it goes, that long after the start.
    pub(super) fn show(&mut self, elapsed: Duration, second: &Second) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
                bar.set_message(second.to_string());
            }
            Self::Lines { next } if elapsed >= *next => {
                *next = elapsed + LINE_EVERY;
                say(&format!("{:>4.0} s  {second}", elapsed.as_secs_f64()));
            }
            Self::Lines { .. } | Self::Quiet => {}
        }
    }

    /// Says something that stays.
    pub(super) fn note(&self, text: &str) {
        match self {
            Self::Bar(bar) => bar.println(text),
            Self::Lines { .. } => say(text),
            Self::Quiet => {}
        }
    }

    /// Makes room for the summary.
    pub(super) fn finish(self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// One line on stderr; a terminal that went away is no reason to stop.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

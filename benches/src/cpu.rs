//! How much processor time a process, or everybody, has used, as Linux counts it.

use std::time::{Duration, Instant};

/// Ticks of the kernel's accounting clock per second: `USER_HZ`, 100 on every Linux that we know.
const CLOCK_HZ: f64 = 100.0;

/// User and system time since the process began. Units: seconds.
///
/// # Errors
/// If there is no such process.
pub(crate) fn seconds(pid: u32) -> Result<f64, String> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    parse(&stat).ok_or_else(|| format!("{path} has no times"))
}

/// Source: proc_pid_stat(5), fields 14 and 15.
fn parse(stat: &str) -> Option<f64> {
    // The name of the program, in parentheses, may itself hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let [user, system] = [times.next()?, times.next()?];
    Some((user.parse::<f64>().ok()? + system.parse::<f64>().ok()?) / CLOCK_HZ)
}

/// What all processors together have worked since the machine began. Units: seconds.
///
/// # Errors
/// If there is no `/proc`.
pub(crate) fn everybodys_seconds() -> Result<f64, String> {
    let stat = std::fs::read_to_string("/proc/stat").map_err(|e| format!("/proc/stat: {e}"))?;
    parse_everybodys(&stat).ok_or_else(|| "/proc/stat has no times".into())
}

/// Source: proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
fn parse_everybodys(stat: &str) -> Option<f64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?;
    let times = fields.split_whitespace().take(8).map(str::parse::<f64>);
    let times = times.collect::<Result<Vec<_>, _>>().ok()?;
    let &[user, nice, system, _idle, _iowait, irq, softirq, steal] = &times[..] else {
        return None;
    };
    Some((user + nice + system + irq + softirq + steal) / CLOCK_HZ)
}

/// Measures what a thread does, without the time in which others had its core: working, and waiting
/// for locks.
pub(crate) struct Stopwatch {
    start: Instant,
    kept_waiting: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            kept_waiting: kept_waiting(),
            start: Instant::now(),
        }
    }

    pub(crate) fn seconds(&self) -> f64 {
        let took = self.start.elapsed();
        let waited = kept_waiting().saturating_sub(self.kept_waiting);
        took.saturating_sub(waited).as_secs_f64()
    }
}

/// How long this thread could have run and had no core; zero where nobody counts that.
fn kept_waiting() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(parse_kept_waiting(&stat).unwrap_or(0))
}

/// Source: proc-schedstat: nanoseconds on a core, nanoseconds waiting for one, times.
fn parse_kept_waiting(stat: &str) -> Option<u64> {
    stat.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_works_but_the_idle() {
        let stat = "cpu  100 20 30 9999 500 4 5 6 7 8\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(parse_everybodys(stat), Some(1.65));
        assert_eq!(parse_everybodys("cpu  1 2 3\n"), None);
        assert!(everybodys_seconds().is_ok());
    }

    #[test]
    fn the_times_are_found_behind_any_name() {
        let rest = "S 1 2 3 0 -1 4194560 100 0 0 0 250 50 7 9 20 0 1 0 1234 1000";
        assert_eq!(parse(&format!("42 (down beat) {rest}")), Some(3.0));
        assert_eq!(parse(&format!("42 (a) b) 1 2) {rest}")), Some(3.0));
        assert_eq!(parse("42 (x) S 1"), None);
    }

    #[test]
    fn this_process_has_used_some() {
        assert!(seconds(std::process::id()).is_ok_and(|used| used >= 0.0));
        assert!(seconds(u32::MAX).is_err());
    }
}

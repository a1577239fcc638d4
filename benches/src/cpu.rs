//! How much processor time a process has used, as Linux counts it.

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

#[cfg(test)]
mod tests {
    use super::*;

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

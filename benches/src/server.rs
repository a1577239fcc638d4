//! The release binary as a process of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server; killed when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    admin: SocketAddr,
}

/// What one tick rate's clock has done.
#[derive(Clone, Copy, Debug, Default)]
struct Ticks {
    run: f64,
    dropped: f64,
}

/// The binary beside this one.
pub(crate) fn binary() -> Result<PathBuf, String> {
    let figures = std::env::current_exe().map_err(|e| e.to_string())?;
    Ok(figures.with_file_name("downbeat"))
}

impl Server {
    pub(crate) fn start() -> Result<Self, String> {
        Self::start_as("downbeat", None)
    }

    /// Another binary, on one core if one is named.
    pub(crate) fn start_as(name: &str, core: Option<&str>) -> Result<Self, String> {
        let (address, admin) = (free_port()?, free_port()?);
        let mut command = pinned(&binary()?.with_file_name(name), core);
        command
            .args([
                "serve",
                "--listen",
                &address.to_string(),
                "--admin",
                &admin.to_string(),
            ])
            .env_remove("RUST_LOG")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().map_err(|e| format!("the server: {e}"))?;
        let server = Self {
            process,
            address,
            admin,
        };
        wait_for(|| get(address, "/readyz").is_ok())?;
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Resident memory. Units: bytes.
    pub(crate) fn memory(&self) -> Result<f64, String> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.map(|kib| kib * 1024.0).ok_or_else(|| "no VmRSS".into())
    }

    /// The clock of a tick rate.
    fn ticks(&self, tick_rate_hz: u16) -> Result<Ticks, String> {
        let label = format!("{{tick_rate_hz=\"{tick_rate_hz}\"}}");
        Ok(Ticks {
            run: self.metric(&format!("downbeat_ticks_total{label}"))?,
            dropped: self.metric(&format!("downbeat_ticks_dropped_total{label}"))?,
        })
    }

    /// Ticks run or dropped per minute, measured from one tick's edge to another's `length` later,
    /// and how many of them were dropped.
    pub(crate) fn pace(&self, tick_rate_hz: u16, length: Duration) -> Result<(f64, f64), String> {
        let (first, start) = self.next_tick(tick_rate_hz)?;
        std::thread::sleep(length);
        let (last, end) = self.next_tick(tick_rate_hz)?;
        let ticks = last.run + last.dropped - first.run - first.dropped;
        let minutes = (end - start).as_secs_f64() / 60.0;
        Ok((ticks / minutes, last.dropped - first.dropped))
    }

    /// Waits for the clock to tick.
    fn next_tick(&self, tick_rate_hz: u16) -> Result<(Ticks, Instant), String> {
        let before = self.ticks(tick_rate_hz)?;
        for _ in 0..5000 {
            let now = self.ticks(tick_rate_hz)?;
            if now.run > before.run {
                return Ok((now, Instant::now()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err("the clock stands still".into())
    }

    /// How many connections were closed with a code.
    pub(crate) fn closes(&self, code: &str) -> Result<f64, String> {
        self.metric(&format!("downbeat_closes_total{{code=\"{code}\"}}"))
    }

    /// A number that `/metrics` shows; 0 before it has anything to show.
    fn metric(&self, name: &str) -> Result<f64, String> {
        let metrics = get(self.admin, "/metrics")?;
        let mut lines = metrics.lines().filter_map(|line| line.strip_prefix(name));
        let value = lines.find_map(|rest| rest.strip_prefix(' ')?.trim().parse().ok());
        Ok(value.unwrap_or(0.0))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command that runs on this core only. `taskset` becomes the program, so the process is the same.
pub(crate) fn pinned(program: &Path, core: Option<&str>) -> Command {
    let Some(core) = core else {
        return Command::new(program);
    };
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

/// Waits until a server that was just started answers.
pub(crate) fn wait_for(ready: impl Fn() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !ready() {
        if Instant::now() > deadline {
            return Err("the server was not ready within 10 s".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

pub(crate) fn free_port() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    listener.local_addr().map_err(|e| e.to_string())
}

/// The body of a 200 answer.
fn get(address: SocketAddr, path: &str) -> Result<String, String> {
    let mut stream = TcpStream::connect(address).map_err(|e| e.to_string())?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .map_err(|e| e.to_string())?;
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .map_err(|e| e.to_string())?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
        _ => Err(format!("{path} answers {:?}", answer.lines().next())),
    }
}

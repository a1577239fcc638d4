//! `replication.*`: the most bots that get their frames in time, and what they cost, beside a bare
//! epoll loop in the same run: server pinned to one core, driver to the other, in turn.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::driver::{Options, Report};
use crate::search::Search;
use crate::server::{self, Server};
use crate::subject::{BARE, Subject};
use crate::{Plan, figure};

pub(crate) const NAMES: [&str; 7] = [
    "replication.rooms_of_50_capacity",
    "replication.epoll_capacity",
    "replication.rooms_of_50_capacity_ratio",
    "replication.cpu_s_per_1000_client_s",
    "replication.epoll_cpu_s_per_1000_client_s",
    "replication.cpu_ratio",
    "replication.grid_room_capacity",
];

/// The game of the rooms of fifty, at 20 Hz.
const ROOM_GAME: &str = "arena";
const ROOM_OF: u32 = 50;
/// The game of the one grid room.
const GRID_GAME: &str = "plain";
const GRID_CLIENTS: u32 = 2000;
/// Where processor time is compared.
const CPU_CLIENTS: u32 = 2000;

/// How often one load is tried at most while others disturb the machine.
const PROBES_MAX: u32 = 5;

/// Where the server sits, and where the driver.
const SERVER_CORE: &str = "0";
const DRIVER_CORE: &str = "1";

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    if plan.wants(&NAMES[3..6]) {
        processor_time(plan)?;
    }
    if plan.wants(&NAMES[..3]) {
        capacity(plan)?;
    }
    if plan.wants(&NAMES[6..]) {
        grid_room(plan)?;
    }
    Ok(())
}

/// Who is loaded.
#[derive(Clone, Copy)]
enum Contender {
    Ours,
    Epoll,
}

impl Contender {
    /// A fresh server for every probe: none inherits another's sockets.
    fn probe(self, clients: u32, seconds: u32) -> Result<Report, String> {
        let (_server, address, pid, game, name) = match self {
            Self::Ours => {
                let server = Server::start_as("bench-server", Some(SERVER_CORE))?;
                let (address, pid) = (server.address, server.pid());
                (
                    Running::Ours { _server: server },
                    address,
                    pid,
                    ROOM_GAME,
                    "ours",
                )
            }
            Self::Epoll => {
                let (process, address) = start_epoll()?;
                let pid = process.0.id();
                (
                    Running::Epoll { _process: process },
                    address,
                    pid,
                    BARE,
                    "epoll",
                )
            }
        };
        let options = Options {
            address,
            subject: Subject::of(game)?,
            clients,
            rooms_of: ROOM_OF,
            seconds,
            pid,
        };
        let report = drive(&options, Some(DRIVER_CORE))?;
        tell(name, &report);
        Ok(report)
    }
}

impl Contender {
    /// A hiccup of the machine is no limit of the server: it must fail twice, and undisturbed.
    fn bears(self, clients: u32, seconds: u32) -> Result<bool, String> {
        let mut failures = 0;
        for _ in 0..PROBES_MAX {
            let report = self.probe(clients, seconds)?;
            if report.keeps_pace() {
                return Ok(true);
            }
            failures += u32::from(!report.is_disturbed());
            if failures == 2 {
                break;
            }
        }
        Ok(false)
    }

    /// What [`CPU_CLIENTS`] cost while they get their frames: who is late saves work by it.
    fn cost(self, seconds: u32) -> Result<f64, String> {
        for _ in 0..PROBES_MAX {
            let report = self.probe(CPU_CLIENTS, seconds)?;
            if report.keeps_pace() && !report.is_disturbed() {
                return Ok(report.cpu_s_per_1000_client_s());
            }
        }
        Err(format!(
            "{CPU_CLIENTS} clients did not get their frames undisturbed in {PROBES_MAX} probes"
        ))
    }
}

/// What lives as long as a probe.
enum Running {
    Ours { _server: Server },
    Epoll { _process: Killed },
}

/// Killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_epoll() -> Result<(Killed, SocketAddr), String> {
    let address = server::free_port()?;
    let figures = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut command = server::pinned(&figures, Some(SERVER_CORE));
    command.args(["epoll", &address.to_string()]);
    let process = command
        .spawn()
        .map_err(|e| format!("the epoll loop: {e}"))?;
    let process = Killed(process);
    server::wait_for(|| std::net::TcpStream::connect(address).is_ok())?;
    Ok((process, address))
}

/// Runs the driver as a process of its own.
fn drive(options: &Options, core: Option<&str>) -> Result<Report, String> {
    let figures = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut command: Command = server::pinned(&figures, core);
    command.arg("drive").args(options.arguments());
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("the driver: {e}"))?;
    serde_json::from_slice(&output.stdout).map_err(|e| format!("the driver's report: {e}"))
}

/// A line for the person who waits.
fn tell(name: &str, report: &Report) {
    use std::io::Write as _;
    let _ = writeln!(
        std::io::stderr(),
        "{name}: {} of {} clients, {:.1} % of frames ({:.1} % of due), p50 {:.1} ms, p99 {:.1} ms, \
         {:.0} B per client and s, {:.3} CPU-s per 1,000 client-s, {} lost, driver {:.0} % busy, others {:.0} %{}",
        report.playing,
        report.clients,
        report.frames_pct(),
        report.frames_due_pct(),
        report.interframe_p50_ms,
        report.interframe_p99_ms,
        report.bytes_per_client_s,
        report.cpu_s_per_1000_client_s(),
        report.disconnects,
        report.driver_busy_pct(),
        report.others_pct(),
        report
            .problem
            .as_ref()
            .map_or_else(String::new, |problem| format!("; {problem}")),
    );
}

/// Both searches, a probe of each in turn: what else the machine does hits both.
fn capacity(plan: &Plan) -> Result<(), String> {
    let (start, resolution_pct, seconds) = if plan.quick {
        (2000, 20, 4)
    } else {
        (1600, 6, 8)
    };
    let contenders = [Contender::Ours, Contender::Epoll];
    let mut searches = contenders.map(|contender| (contender, Search::new(start, resolution_pct)));
    loop {
        let mut probed = false;
        for (contender, search) in &mut searches {
            let Some(clients) = search.next() else {
                continue;
            };
            probed = true;
            let borne = contender.bears(clients, seconds)?;
            search.handle_result(clients, borne);
        }
        if !probed {
            break;
        }
    }
    let [ours, epoll] = searches.map(|(_, search)| f64::from(search.found()));
    figure(NAMES[0], ours, "clients");
    figure(NAMES[1], epoll, "clients");
    figure(NAMES[2], ours / epoll, "ratio");
    Ok(())
}

/// What the same number of clients costs each, in turn; the medians.
fn processor_time(plan: &Plan) -> Result<(), String> {
    let (rounds, seconds) = if plan.quick { (1, 5) } else { (3, 10) };
    let (mut ours, mut epoll) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (contender, costs) in [(Contender::Ours, &mut ours), (Contender::Epoll, &mut epoll)] {
            costs.push(contender.cost(seconds)?);
        }
    }
    let (ours, epoll) = (median(&mut ours), median(&mut epoll));
    figure(NAMES[3], ours, "s");
    figure(NAMES[4], epoll, "s");
    figure(NAMES[5], ours / epoll, "ratio");
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One room on both cores, together with its bots: the clients if they get their frames, else 0.
fn grid_room(plan: &Plan) -> Result<(), String> {
    let server = Server::start_as("bench-server", None)?;
    let options = Options {
        address: server.address,
        subject: Subject::of(GRID_GAME)?,
        clients: GRID_CLIENTS,
        rooms_of: GRID_CLIENTS,
        seconds: if plan.quick { 5 } else { 20 },
        pid: server.pid(),
    };
    let report = drive(&options, None)?;
    tell("grid room", &report);
    let borne = if report.keeps_pace() { GRID_CLIENTS } else { 0 };
    figure(NAMES[6], f64::from(borne), "clients");
    let name = |what| format!("replication.grid_room_{what}");
    figure(&name("interframe_p99_ms"), report.interframe_p99_ms, "ms");
    figure(&name("frames_pct"), report.frames_due_pct(), "%");
    figure(
        &name("bytes_per_client_s"),
        report.bytes_per_client_s,
        "B/s",
    );
    Ok(())
}

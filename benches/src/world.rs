//! `world.*`: the shipped game under bots, server and bots on the same machine.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::server::{Server, binary};
use crate::{Plan, figure};

pub(crate) const NAMES: [&str; 5] = [
    "world.interframe_p99_ms",
    "world.frames_pct",
    "world.ticks_per_min",
    "world.one_room_500_interframe_p99_ms",
    "world.one_room_500_frames_pct",
];

const TICK_RATE_HZ: u16 = 20;
/// The load's ramp, before the clock is looked at.
const MARGIN: Duration = Duration::from_secs(6);

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let seconds = if plan.quick { 12 } else { 66 };
    if plan.wants(&NAMES[..3]) {
        let server = Server::start()?;
        let window = Duration::from_secs(seconds.into()) - MARGIN;
        let (report, pace) = std::thread::scope(|scope| {
            let report = scope.spawn(|| load(&server, 1000, 20, seconds));
            std::thread::sleep(MARGIN); // everybody is in
            let pace = server.pace(TICK_RATE_HZ, window);
            (report.join(), pace)
        });
        let report = report.map_err(|_| "the load driver's thread panicked")??;
        let (ticks_per_min, dropped) = pace?;
        figure(NAMES[0], number(&report, "/interframe_ms/p99")?, "ms");
        figure(NAMES[1], frames_pct(&report)?, "%");
        figure(NAMES[2], ticks_per_min, "ticks/min");
        figure("world.ticks_dropped", dropped, "ticks");
        show(&report, "world")?;
    }
    if plan.wants(&NAMES[3..]) {
        let server = Server::start()?;
        let report = load(&server, 500, 1, seconds)?;
        figure(NAMES[3], number(&report, "/interframe_ms/p99")?, "ms");
        figure(NAMES[4], frames_pct(&report)?, "%");
        show(&report, "world.one_room_500")?;
    }
    Ok(())
}

/// What stands beside the claims.
fn show(report: &Value, name: &str) -> Result<(), String> {
    figure(
        &format!("{name}.input_ack_p50_ms"),
        number(report, "/input_ack_ms/p50")?,
        "ms",
    );
    figure(
        &format!("{name}.bytes_per_client_s"),
        number(report, "/bytes_per_client_s")?,
        "B/s",
    );
    let lost = report["disconnects"]
        .as_object()
        .map_or(0, |codes| codes.values().filter_map(Value::as_u64).sum());
    let lost = u32::try_from(lost).map_err(|e| e.to_string())?;
    figure(&format!("{name}.disconnects"), f64::from(lost), "clients");
    Ok(())
}

pub(crate) fn load(
    server: &Server,
    clients: u32,
    rooms: u32,
    seconds: u32,
) -> Result<Value, String> {
    let output = Command::new(binary()?)
        .args(["load", "--game", "meadow", "--quiet", "--json", "-"])
        .args(["--url", &format!("ws://{}", server.address)])
        .args([
            "--clients",
            &clients.to_string(),
            "--rooms",
            &rooms.to_string(),
        ])
        .args(["--duration", &format!("{seconds}s")])
        .output()
        .map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let start = text
        .find('{')
        .ok_or_else(|| format!("no report: {}", String::from_utf8_lossy(&output.stderr)))?;
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter();
    let value = values.next().ok_or("no report")?;
    value.map_err(|e| e.to_string())
}

fn frames_pct(report: &Value) -> Result<f64, String> {
    let expected = number(report, "/frames_expected")?;
    Ok(100.0 * number(report, "/frames_received")? / expected)
}

pub(crate) fn number(report: &Value, pointer: &str) -> Result<f64, String> {
    let value = report.pointer(pointer).and_then(Value::as_f64);
    value.ok_or_else(|| format!("no {pointer} in the report"))
}

//! The program as a person starts it: `examples/counter.rs`, which is built with these tests.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use crate::stage::{request, status};

fn program() -> Command {
    let mut path: PathBuf = std::env::current_exe().expect("a test");
    path.pop();
    path.pop();
    path.push("examples/counter");
    path.set_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "{} is built with the tests", path.display());
    let mut program = Command::new(path);
    program.stdin(Stdio::null());
    program
}

fn output(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("it runs")
}

/// Starts a server on any port; answers it with its address.
fn serve() -> (Child, std::net::SocketAddr) {
    let mut program = program();
    program.args(["--listen", "127.0.0.1:0", "--admin", "off"]);
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().expect("it runs");
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let address = line
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let address = address.and_then(|address| address.parse().ok());
    (
        child,
        address.unwrap_or_else(|| panic!("no address in {line:?}")),
    )
}

#[test]
fn a_mistake_is_one_line_and_exit_code_2() {
    for (arguments, words) in [
        (&["--lisen", "x"][..], "--listen"),
        (&["--listen", "here"], "--listen here: expected an address"),
        (&["--workers", "none"], "--workers none: expected a number"),
        (&["dance"], "dance"),
        (&["--config", "/nowhere/x.toml"], "/nowhere/x.toml"),
        (&["load", "--game", "chess"], "counter"),
    ] {
        let output = output(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
        assert!(
            text.starts_with("error: ") && text.contains(words),
            "{text}"
        );
    }
}

#[test]
fn every_key_is_explained() {
    let output = output(&["--help"]);
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for key in [
        "listen",
        "limits.connections_per_address",
        "games.NAME.rooms",
    ] {
        assert!(text.contains(&format!("\n  {key}\n")), "{key} in {text}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_drains_and_ends_it_well() {
    for signal in ["-TERM", "-INT"] {
        let (mut child, address) = serve();
        assert_eq!(status(&request(address, "GET", "/healthz", "").await), 200);
        let pid = child.id().to_string();
        let kill = Command::new("kill").args([signal, &pid]).status();
        assert!(kill.expect("kill runs").success());
        let ended = tokio::task::spawn_blocking(move || {
            let mut log = String::new();
            let stderr = child.stderr.as_mut().expect("piped");
            stderr.read_to_string(&mut log).expect("text");
            (child.wait().expect("it ends"), log)
        });
        let ended = tokio::time::timeout(std::time::Duration::from_secs(10), ended).await;
        let (status, log) = ended.expect("within 10 s").expect("waited for");
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("draining"), "{log}");
    }
}

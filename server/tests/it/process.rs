//! The program as a person starts it: `examples/counter.rs`, which is built with these tests.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::stage::{Client, request, status};

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

/// A server in a process of its own.
pub(crate) struct Served {
    child: Child,
    pub(crate) players: SocketAddr,
    pub(crate) operators: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Served {
    /// Starts one on any ports.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let mut program = program();
        program.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        program.envs(variables.iter().copied());
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().expect("it runs");
        let mut greeting = String::new();
        let stdout = child.stdout.take().expect("piped");
        let read = BufReader::new(stdout).read_line(&mut greeting);
        read.expect("a line");
        let log = Arc::<Mutex<String>>::default();
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let into = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines {
                let mut log = into.lock().expect("no panic");
                *log += &format!("{}\n", line.expect("text"));
            }
        });
        let mut served = Self {
            child,
            players: word_behind("http://", &greeting).expect("an address"),
            operators: SocketAddr::from(([0; 4], 0)),
            log,
            reader,
        };
        let listening = served.await_log("listening");
        served.operators = word_behind("operators=", &listening).expect("an address");
        served
    }

    /// Waits until the log has these words; answers the whole log.
    fn await_log(&self, words: &str) -> String {
        loop {
            let log = self.log.lock().expect("no panic").clone();
            if log.contains(words) {
                return log;
            }
            assert!(!self.reader.is_finished(), "no {words} in {log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[cfg(unix)]
    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let kill = Command::new("kill").args([signal, &pid]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Waits for its end; answers its exit code and its log.
    fn wait(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("it ends");
        self.reader.join().expect("no panic");
        let log = self.log.lock().expect("no panic").clone();
        (status.code(), log)
    }

    /// Ends it; answers its log.
    pub(crate) fn stop(mut self) -> String {
        self.child.kill().expect("killed");
        self.wait().1
    }
}

fn word_behind<T: std::str::FromStr>(mark: &str, text: &str) -> Option<T> {
    let (_, rest) = text.split_once(mark)?;
    rest.split_whitespace().next()?.parse().ok()
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

/// Each mistake ends the program at once with one line that has these words.
fn complains(table: &[(&[&str], (&str, &str), &str)]) {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, variable, words) in table {
        let mut program = program();
        program.args(*arguments).env(variable.0, variable.1);
        let output = program.current_dir(&folder).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let told = format!("{arguments:?} {variable:?}: {text}");
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert_eq!(text.lines().count(), 1, "{told}");
        assert!(
            text.starts_with("error: ") && text.contains(words),
            "{told}"
        );
    }
}

const NO_VARIABLE: (&str, &str) = ("X", "");

#[test]
fn a_mistake_in_a_variable_or_a_file_is_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().to_str().expect("text");
    let file = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    };
    let (broken, bytes) = (file("broken", b"a = ["), file("bytes", b"\xff"));
    let unknown = file("unknown", b"[games.counter]\nroms = 1");
    let none = NO_VARIABLE;
    complains(&[
        (&[], ("DOWNBEAT_LISTEN", "nonsense"), "DOWNBEAT_LISTEN"),
        (&[], ("DOWNBEAT_LISTN", ""), "did you mean DOWNBEAT_LISTEN"),
        (&[], ("DOWNBEAT_CONFIG", ""), "DOWNBEAT_CONFIG"),
        (&["--config", here], none, here),
        (&["--config", &broken], none, "line 1"),
        (&["--config", &bytes], none, "cannot be read"),
        (
            &["--config", &unknown],
            none,
            "did you mean games.counter.rooms",
        ),
    ]);
}

#[test]
fn what_the_system_does_not_allow_is_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let (file, below) = (file.display().to_string(), file.join("below"));
    let below = below.to_str().expect("text");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("bound").to_string();
    let free = "--listen=127.0.0.1:0";
    let none = NO_VARIABLE;
    complains(&[
        (&["--workers", "0"], none, "from 1 to 1024"),
        (&["--listen", &taken], none, "is in use"),
        (
            &[free, "--admin", &taken],
            none,
            "another address with --admin",
        ),
        (
            &[free, "--admin=off", "--data-dir", &file],
            none,
            "cannot be written",
        ),
        (
            &[free, "--admin=off", "--data-dir", below],
            none,
            "cannot be written",
        ),
    ]);
}

#[test]
fn a_mistake_in_a_load_is_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().to_str().expect("text");
    for (arguments, words) in [
        (&["--url", "nonsense"][..], "ws://127.0.0.1:7777"),
        (&["--url", "ws://no.invalid:1"], "no address found"),
        (&["--json", here], "cannot write"),
        (&["--report", "/nowhere/x.html"], "cannot write"),
        (&["--json", "x", "--report", "x"], "two files"),
        (&["--clients", "4000000000"], "ulimit"),
        (&["--duration", "5"], "5s"),
    ] {
        let load = ["load", "--quiet", "--game", "counter"];
        complains(&[(&[&load, arguments].concat(), NO_VARIABLE, words)]);
    }
}

#[test]
fn a_load_that_meets_nobody_who_lets_it_in_is_one_line_and_exit_code_1() {
    use std::io::{Read as _, Write as _};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}", listener.local_addr().expect("bound"));
    for status in ["404 Not Found", "503 Service Unavailable", ""] {
        let listener = listener.try_clone().expect("cloned");
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("a client");
            let _ = socket.read(&mut [0; 1024]);
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            let answer = if status.is_empty() { "" } else { &answer };
            let _ = socket.write_all(answer.as_bytes());
        });
        let output = output(&[
            "load",
            "--url",
            &url,
            "--game",
            "counter",
            "--clients",
            "1",
            "--quiet",
        ]);
        server.join().expect("no panic");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{status}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.starts_with("error: none of 1 clients connected: "),
            "{text}"
        );
        assert!(text.contains(status), "{status}: {text}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_drains_and_ends_it_well() {
    for signal in ["-TERM", "-INT"] {
        let served = Served::start(&[]);
        let healthz = request(served.players, "GET", "/healthz", "").await;
        assert_eq!(status(&healthz), 200);
        served.signal(signal);
        let ended = tokio::task::spawn_blocking(move || served.wait());
        let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
        let (code, log) = ended.expect("within 10 s").expect("waited for");
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("draining"), "{log}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_hangup_does_not_end_a_server_without_tls() {
    let served = Served::start(&[]);
    served.signal("-HUP");
    let served = tokio::task::spawn_blocking(move || {
        served.await_log("SIGHUP");
        served
    });
    let served = served.await.expect("it has said so");
    let healthz = request(served.players, "GET", "/healthz", "").await;
    assert_eq!(status(&healthz), 200);
    served.stop();
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_does_not_wait_for_goodbyes() {
    let served = Served::start(&[]);
    let path = "/ws/counter/main";
    let request = crate::stage::handshake(served.players, path);
    let mut client = Client::connect_with(served.players, request)
        .await
        .expect("in");
    client.send(crate::stage::hello("Ada")).await;
    client.see(|view| view.welcome.is_some()).await;
    served.signal("-INT");
    let ended = tokio::task::spawn_blocking(move || {
        served.await_log("draining");
        // The drain waits for the client's goodbye, which never comes.
        while !served.reader.is_finished() {
            served.signal("-INT");
            std::thread::sleep(Duration::from_millis(20));
        }
        served.wait()
    });
    let (code, log) = ended.await.expect("no panic");
    assert_eq!(code, Some(130), "{log}");
}

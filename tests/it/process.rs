//! The real binary, as a process of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

pub(crate) use crate::guard::free_port;

/// A server; killed when dropped.
pub(crate) struct Program(pub(crate) Child);

/// The shipped games' binary, built if need be.
pub(crate) fn binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            // What these tests were built with: for one crate alone, or without tests, hundreds of
            // crates would be built again with fewer features.
            let built = cargo()
                .args(["build", "--quiet", "--locked"])
                .args(["--workspace", "--tests", "--bins"])
                .status();
            assert!(built.expect("cargo runs").success());
            let mut folder = std::env::current_exe().expect("this test");
            folder.pop();
            folder.pop(); // out of deps/
            folder.join("downbeat")
        })
        .clone()
}

/// Cargo, as a person calls it from a shell.
///
/// What a test runner says of the test's own crate is taken out: build scripts that ask for it
/// would run again, and with them hundreds of crates be built again, at every change of hands.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    forget_crate(&mut cargo);
    cargo
}

/// Takes out of a program's environment what says which crate its parent is.
pub(crate) fn forget_crate(program: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let is_of_crate = name.to_str().is_some_and(|name| {
            [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_CRATE_",
                "CARGO_BIN_",
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        });
        if is_of_crate {
            program.env_remove(name);
        }
    }
}

impl Program {
    /// Starts a server and waits until it is ready.
    pub(crate) fn serve(program: &Path, port: u16) -> Self {
        Self::serve_with(program, port, &["--admin", "off"])
    }

    /// The same with other flags.
    pub(crate) fn serve_with(program: &Path, port: u16, flags: &[&str]) -> Self {
        let mut command = Command::new(program);
        command
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .args(flags);
        Self::start(command, port)
    }

    /// Starts whatever will serve on this port, and waits until it does.
    pub(crate) fn start(mut command: Command, port: u16) -> Self {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        let server = Self(child);
        for _ in 0..1500 {
            if try_get(port, "/readyz").is_some() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server is not ready after 30 s");
    }
}

/// Where a program serves: its ports, configuration and data, which outlive it.
pub(crate) struct Home {
    pub(crate) port: u16,
    pub(crate) admin: u16,
    folder: TempDir,
}

impl Home {
    /// With these lines as its configuration.
    pub(crate) fn new(settings: &str) -> Self {
        let home = Self {
            port: free_port(),
            admin: free_port(),
            folder: tempfile::tempdir().expect("a folder"),
        };
        std::fs::write(home.path("downbeat.toml"), settings).expect("written");
        home
    }

    /// A file or folder of its own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Serves, until what is answered is dropped: that is a `kill -9`.
    pub(crate) fn serve(&self) -> Program {
        let mut command = Command::new(binary());
        command
            .args(["serve", "--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--admin", &format!("127.0.0.1:{}", self.admin)])
            .arg("--config")
            .arg(self.path("downbeat.toml"))
            .arg("--data-dir")
            .arg(self.path("data"));
        Program::start(command, self.port)
    }

    /// `downbeat send` to this server's layer.
    pub(crate) fn send(&self, arguments: &[&str]) -> Output {
        let admin = format!("http://127.0.0.1:{}", self.admin);
        send(&[&["--admin", &admin], arguments].concat(), "")
    }

    /// A number of `/metrics`.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let metrics = get(self.admin, "/metrics");
        let number = metrics.lines().find_map(|line| {
            let (found, number) = line.split_once(' ')?;
            (found == name).then(|| number.parse().ok()).flatten()
        });
        number.unwrap_or_else(|| panic!("no {name} in {metrics}"))
    }
}

/// `downbeat send` with these arguments, and a standard input.
pub(crate) fn send(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary())
        .arg("send")
        .args(arguments)
        .env_remove("DOWNBEAT_ADMIN_TOKEN")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    // Who is not asked to read does not.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The whole answer to a GET.
pub(crate) fn get(port: u16, path: &str) -> String {
    try_get(port, path).unwrap_or_else(|| panic!("no answer to {path}"))
}

pub(crate) fn try_get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

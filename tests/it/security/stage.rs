//! The real program with a full log, and honest bots.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use downbeat::Schema;
use downbeat::client::hello;
use downbeat_scenarios::Meadow;
use rustls::ClientConfig;
use tempfile::TempDir;

use super::case::HANDSHAKE;
use super::raw::{Answer, Raw, close, frame};
use crate::process::{Program, binary, free_port, try_get};

/// How long an honest bot may take where the machine is idle; on a busy one it may take as many
/// times what it took before the attack as [`SLOWER_MAX`] says.
const HONEST_WITHIN: Duration = Duration::from_secs(1);
const SLOWER_MAX: u32 = 20;

/// A server that is attacked.
pub(crate) struct Stage {
    pub(crate) port: u16,
    pub(crate) admin: u16,
    program: Program,
    folder: TempDir,
    /// How the server is greeted, where it speaks TLS.
    greeting: Option<Arc<ClientConfig>>,
    /// Lines that honest bots need for their handshake.
    badge: String,
    /// What an honest bot needed before anything happened.
    calm: Duration,
    /// Secrets that the server has given out or was shown.
    secrets: RefCell<BTreeSet<String>>,
    /// How often each credential was seen to let somebody in.
    admitted: RefCell<BTreeMap<String, usize>>,
    /// How many names were given to people.
    named: Cell<u32>,
}

impl Stage {
    /// Starts one; `settings` are lines of its configuration, plain keys before sections.
    pub(crate) fn open(settings: &str) -> Self {
        Self::open_for(settings, |_| String::new())
    }

    /// The same where honest bots need lines in their handshake.
    pub(crate) fn open_for(settings: &str, badge: impl FnOnce(&Self) -> String) -> Self {
        let mut stage = Self::start(settings);
        stage.badge = badge(&stage);
        stage.rehearse();
        stage
    }

    /// The same where TLS is spoken.
    pub(crate) fn open_tls(settings: &str, greeting: Arc<ClientConfig>) -> Self {
        let mut stage = Self::start(settings);
        stage.greet_by(greeting);
        stage.rehearse();
        stage
    }

    /// From now on the server is greeted like this.
    pub(crate) fn greet_by(&mut self, greeting: Arc<ClientConfig>) {
        self.greeting = Some(greeting);
    }

    fn start(settings: &str) -> Self {
        let (port, admin) = (free_port(), free_port());
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("downbeat.toml");
        let settings = format!(
            "listen = \"127.0.0.1:{port}\"\nadmin = \"127.0.0.1:{admin}\"\nlog = \"trace\"\n\
             log_format = \"json\"\ndata_dir = {:?}\n{settings}\n",
            folder.path().join("data")
        );
        fs::write(&file, settings).expect("written");
        let log = fs::File::create(folder.path().join("log")).expect("a file");
        let mut command = Command::new(binary());
        command.arg("serve").arg("--config").arg(&file);
        command.stdout(Stdio::null()).stderr(log);
        let program = Program(command.spawn().expect("it runs"));
        let mut stage = Self {
            port,
            admin,
            program,
            folder,
            greeting: None,
            badge: String::new(),
            calm: Duration::ZERO,
            secrets: RefCell::default(),
            admitted: RefCell::default(),
            named: Cell::default(),
        };
        stage.await_ready();
        stage
    }

    /// The first opens the room; the second is how it is from then on.
    fn rehearse(&mut self) {
        for _ in 0..2 {
            self.calm = Duration::from_secs(5);
            let started = Instant::now();
            self.honest().expect("an honest bot gets in");
            self.calm = started.elapsed();
        }
    }

    fn await_ready(&mut self) {
        for _ in 0..1500 {
            if try_get(self.admin, "/healthz").is_some() {
                return;
            }
            if let Ok(Some(status)) = self.program.0.try_wait() {
                panic!("the server ended with {status}: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server is not ready after 30 s: {}", self.log());
    }

    /// All that was logged so far.
    pub(crate) fn log(&self) -> String {
        let file: PathBuf = self.folder.path().join("log");
        let bytes = fs::read(file).expect("a log");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A secret that must not be in any log.
    pub(crate) fn issued(&self, secret: &str) {
        if !secret.is_empty() {
            self.secrets.borrow_mut().insert(secret.to_owned());
        }
    }

    /// Somebody was seen to get in with what is in these offers and lines.
    pub(crate) fn saw_admitted(&self, offers: &str, lines: &str) {
        let offered = offers.split(", ").filter_map(|word| {
            let ticket = word.strip_prefix("ticket.");
            ticket.or_else(|| word.strip_prefix("resume."))
        });
        let lines = lines.lines();
        let bearer = lines.filter_map(|line| line.strip_prefix("Authorization: Bearer "));
        for token in offered.chain(bearer) {
            *self
                .admitted
                .borrow_mut()
                .entry(fingerprint(token))
                .or_default() += 1;
        }
    }

    /// The audit of the log: nobody was let in but those who were seen to get in, and no secret
    /// was written down.
    pub(crate) fn audit(&self) {
        let log = self.log();
        self.keeps_secrets("the log", &log);
        let mut logged = BTreeMap::<String, usize>::new();
        for line in log.lines().filter(|line| line.contains("downbeat::audit")) {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            if line["outcome"] == "admitted"
                && let Some(fingerprint) = line["fingerprint"].as_str()
            {
                *logged.entry(fingerprint.to_owned()).or_default() += 1;
            }
        }
        assert_eq!(logged, *self.admitted.borrow(), "who was let in");
    }

    /// None of the secrets is in what somebody can read.
    pub(crate) fn keeps_secrets(&self, what: &str, text: &str) {
        for secret in &*self.secrets.borrow() {
            let found = text.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(found, None, "a secret is in {what}");
        }
    }

    /// Joins and leaves; what went wrong if that was not possible, or too slow.
    pub(crate) fn honest(&self) -> Result<(), String> {
        let started = Instant::now();
        let badge = &self.badge;
        let handshake = HANDSHAKE.replace("\r\n\r\n", &format!("\r\n{badge}\r\n"));
        let mut raw = self.join(&handshake)?;
        let took = started.elapsed();
        raw.send(&close(1000, b"bye"));
        let may_take = HONEST_WITHIN.max(self.calm * SLOWER_MAX);
        if took > may_take {
            return Err(format!("the honest bot took {took:?}"));
        }
        self.saw_admitted("", badge);
        Ok(())
    }

    /// Joins with this handshake for the binary protocol.
    pub(crate) fn join(&self, handshake: &str) -> Result<Raw, String> {
        let mut raw = self.upgraded(handshake)?;
        raw.send(&frame(0x82, &hello_message("Ada")));
        loop {
            let frame = raw.frame().ok_or("the server closed")?;
            match (frame.opcode, frame.payload.first()) {
                (2, Some(0)) => return Ok(raw),
                (8, _) => return Err(format!("closed with {:?}", frame.code())),
                _ => {}
            }
        }
    }

    /// A socket to the players' door.
    pub(crate) fn connect(&self) -> Raw {
        match &self.greeting {
            None => Raw::connect(self.port),
            Some(greeting) => Raw::connect_tls(self.port, greeting).expect("greeted"),
        }
    }

    /// Upgrades with this handshake, and says nothing yet.
    pub(crate) fn upgraded(&self, handshake: &str) -> Result<Raw, String> {
        upgrade(self.connect(), handshake)
    }

    /// Joins and then sends bytes; the code of the goodbye.
    pub(crate) fn member_ends_with(&self, bytes: &[u8]) -> u16 {
        let mut raw = self.join(HANDSHAKE).expect("let in");
        raw.send(bytes);
        raw.goodbye()
    }

    /// One plain request on a connection of its own.
    pub(crate) fn request(&self, method: &str, path: &str, lines: &str, body: &str) -> Answer {
        ask(self.connect(), method, path, lines, body)
    }

    /// The same at the operators' door.
    pub(crate) fn operator(&self, method: &str, path: &str, lines: &str, body: &str) -> Answer {
        ask(Raw::connect(self.admin), method, path, lines, body)
    }

    /// Where it keeps its files.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A name that nobody has yet.
    pub(crate) fn next_name(&self, kind: &str) -> String {
        self.named.set(self.named.get() + 1);
        // Of another process than this one, too: stages may share a store.
        format!("{kind} {} {}", self.pid(), self.named.get())
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.program.0.id()
    }

    /// What the audit says of the attempts to get into a room, in their order.
    pub(crate) fn audited(&self, room: &str) -> Vec<serde_json::Value> {
        let log = self.log();
        let lines = log.lines().filter(|line| line.contains("downbeat::audit"));
        let lines = lines.map(|line| serde_json::from_str(line).expect("a line of JSON"));
        lines
            .filter(|line: &serde_json::Value| line["room"] == room)
            .collect()
    }

    /// Waits until it is so.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            assert!(started.elapsed() < Duration::from_secs(60), "never {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How many handshakes the server says that it has accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.metric("downbeat_handshakes_total{outcome=\"accepted\"}")
    }

    /// A number of `/metrics`.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let metrics = self.operator("GET", "/metrics", "", "");
        number_in(&String::from_utf8_lossy(&metrics.body), name)
    }
}

/// A number of the `/metrics` at this port.
pub(crate) fn metric(admin: u16, name: &str) -> u64 {
    let metrics = request(admin, "GET", "/metrics", "", "");
    number_in(&String::from_utf8_lossy(&metrics.body), name)
}

fn number_in(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {metrics}"));
    line.trim().parse().expect("a number")
}

/// What the audit calls a token.
fn fingerprint(token: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    let bytes = digest.as_ref().iter().take(4);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// A request to this port.
pub(crate) fn request(port: u16, method: &str, path: &str, lines: &str, body: &str) -> Answer {
    ask(Raw::connect(port), method, path, lines, body)
}

/// A request with a body of its length.
fn ask(mut raw: Raw, method: &str, path: &str, lines: &str, body: &str) -> Answer {
    let len = body.len();
    let length = if len > 0 {
        format!("Content-Length: {len}\r\n")
    } else {
        String::new()
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{length}{lines}\r\n"
    );
    raw.send(head.as_bytes());
    raw.send(body.as_bytes());
    raw.answer().expect("an answer")
}

/// What a client built for the meadow says first.
pub(crate) fn hello_message(name: &str) -> Vec<u8> {
    hello(name, Schema::hash_of::<Meadow>().expect("described"))
}

/// Upgrades with this handshake, and says nothing yet.
pub(crate) fn upgraded(port: u16, handshake: &str) -> Result<Raw, String> {
    upgrade(Raw::connect(port), handshake)
}

fn upgrade(mut raw: Raw, handshake: &str) -> Result<Raw, String> {
    raw.send(handshake.as_bytes());
    match raw.head() {
        Some(answer) if answer.status == 101 => Ok(raw),
        Some(answer) => Err(format!("refused with {}", answer.status)),
        None => Err("cut off".into()),
    }
}

//! A Django project with the real packages, in a process of its own. Its Python is made by the
//! first test that needs it, and kept.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use downbeat_server::config::RedisFormat;
use serde_json::{Value, json};

use crate::guard::{Redis, Setup};

/// Exactly these are what the formats were read from; newer ones are tried on purpose only.
/// Redis's client is one of their time: from 8 on it gives up reading after 5 s, as long as `core`
/// waits for a message, and an idle consumer of Channels dies of it.
const PACKAGES: [&str; 4] = [
    "channels==4.3.2",
    "channels_redis==4.3.0",
    "cryptography",
    "redis<7",
];

/// A running project; killed when dropped.
pub(crate) struct Django {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// The name of its consumer's channel.
    pub(crate) channel: String,
}

/// A Python with Channels, in a folder that later runs find again; none, said aloud, where there
/// is no way to PyPI. With `CI=true` that fails.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn python() -> Option<PathBuf> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match MADE.get_or_init(make) {
        Ok(python) => Some(python.clone()),
        Err(error) => {
            let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!is_ci, "no Python with channels: {error}");
            eprintln!("SKIPPED: no Python with channels: {error}");
            None
        }
    }
}

/// Tests run as processes of their own, so they agree on who makes it by a lock file.
fn make() -> Result<PathBuf, String> {
    let mut folder = std::env::current_exe().map_err(|e| e.to_string())?;
    folder.pop();
    folder.pop(); // out of deps/
    let folder = folder.join("channels");
    let lock = std::fs::File::create(folder.with_extension("lock")).map_err(|e| e.to_string())?;
    lock.lock().map_err(|e| e.to_string())?;
    let python = folder.join("bin/python");
    let import = "import channels, channels_redis, cryptography; \
                  assert channels_redis.__version__ == '4.3.0'; \
                  import redis; assert int(redis.__version__.split('.')[0]) < 7";
    if run(Command::new(&python).args(["-c", import])).is_err() {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder))?;
        let install = ["-m", "pip", "install", "--quiet", "--timeout", "20"];
        run(Command::new(&python).args(install).args(PACKAGES))?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{command:?}: {errors}"))
}

impl Django {
    /// A project whose layer is set up as ours.
    pub(crate) fn start(python: &Path, setup: Setup, servers: &[Redis], capacity: u32) -> Self {
        let hosts: Vec<String> = servers.iter().take(setup.hosts).map(Redis::url).collect();
        let mut config = json!({"hosts": hosts});
        if setup.is_sealed {
            // Theirs seals with the first, ours with its first: each opens both.
            config["symmetric_encryption_keys"] = json!(["second key", "first key"]);
        }
        let class = match setup.format {
            RedisFormat::PubSub => "channels_redis.pubsub.RedisPubSubChannelLayer",
            RedisFormat::Core => {
                config["capacity"] = json!(capacity);
                "channels_redis.core.RedisChannelLayer"
            }
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/channels_peer.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(json!({"BACKEND": class, "CONFIG": config}).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let orders = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        let mut django = Self {
            child,
            orders,
            answers,
            channel: String::new(),
        };
        django.channel = django.answer()["channel"]
            .as_str()
            .expect("a name")
            .to_owned();
        assert_eq!(django.answer(), json!({"ready": true}));
        django
    }

    /// Gives an order, without waiting for its answer.
    pub(crate) fn order(&mut self, order: &Value) {
        writeln!(self.orders, "{order}").expect("it reads");
        self.orders.flush().expect("it reads");
    }

    pub(crate) fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    pub(crate) fn ask(&mut self, order: &Value) -> Value {
        self.order(order);
        self.answer()
    }

    /// The numbers that a handler was told.
    pub(crate) fn heard(&mut self, whose: &str, count: usize) -> Vec<i64> {
        let heard = self.ask(&json!({"do": "heard", "whose": whose, "count": count}));
        let numbers = heard["numbers"].as_array().expect("a list").iter();
        numbers.map(|n| n.as_i64().expect("a number")).collect()
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

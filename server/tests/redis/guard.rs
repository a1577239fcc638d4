//! Redis servers of these tests' own, which they may kill, pause and flush.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use downbeat::layer::Layer as _;
use downbeat_server::RedisLayer;
use downbeat_server::config::{LayerConfig, RedisFormat, Secret};
use std::sync::Arc;

/// A Redis of one's own; killed when dropped.
pub(crate) struct Redis {
    child: Child,
    pub(crate) port: u16,
}

/// So many Redis servers, or none where there is no program for it: with `CI=true` that fails.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn redis(count: usize) -> Option<Vec<Redis>> {
    let found = Command::new("redis-server").arg("--version").output();
    if found.is_err() {
        let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!is_ci, "redis-server is missing; Debian has it");
        eprintln!("SKIPPED: redis-server is missing; Debian has it");
        return None;
    }
    Some((0..count).map(|_| Redis::start(free_port())).collect())
}

/// A port on which nobody listens: none of those that the system gives to connections, for one of
/// them may have it before the server does.
pub(crate) fn free_port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = std::iter::repeat_with(|| {
        let asked = ASKED.fetch_add(1, Ordering::Relaxed);
        let place = (std::process::id() * 64 + asked) % 20_000;
        10_000 + u16::try_from(place).expect("below 20,000")
    });
    ports.find(is_free).expect("one of so many is free")
}

impl Redis {
    pub(crate) fn start(port: u16) -> Self {
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--dir", &std::env::temp_dir().display().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        let redis = Self { child, port };
        for _ in 0..600 {
            if redis.ask::<String>(&["PING"]).is_ok() {
                return redis;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("redis-server does not answer on port {port}");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// One command, on a connection of its own.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(5))?;
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection)
    }

    /// Kills it and starts another in its place, which knows nothing.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("it ends");
    }

    pub(crate) fn restart(&mut self) {
        let started = Self::start(self.port);
        let mut old = std::mem::replace(self, started);
        old.port = 0;
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let kill = Command::new("kill").args([signal, &pid]).status();
        assert!(kill.expect("kill runs").success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a layer is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) format: RedisFormat,
    pub(crate) is_sealed: bool,
    pub(crate) hosts: usize,
}

impl Setup {
    /// Both formats, plain and sealed, on one and on two hosts.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for format in [RedisFormat::PubSub, RedisFormat::Core] {
            for is_sealed in [false, true] {
                for hosts in [1, 2] {
                    all.push(Self {
                        format,
                        is_sealed,
                        hosts,
                    });
                }
            }
        }
        all
    }

    pub(crate) fn config(self, servers: &[Redis]) -> LayerConfig {
        let hosts = servers.iter().take(self.hosts);
        let keys = ["first key", "second key"];
        LayerConfig {
            format: self.format,
            hosts: hosts.map(|redis| Secret::new(redis.url())).collect(),
            encryption_keys: match self.is_sealed {
                true => keys.map(Secret::from).into(),
                false => Vec::new(),
            },
            ..LayerConfig::default()
        }
    }

    pub(crate) async fn layer(self, servers: &[Redis]) -> Arc<RedisLayer> {
        start(&self.config(servers)).await
    }
}

/// A layer that is connected.
pub(crate) async fn start(config: &LayerConfig) -> Arc<RedisLayer> {
    let layer = RedisLayer::start(config).expect("addresses");
    eventually("connected", || layer.health().is_ok()).await;
    layer
}

/// Waits for something that will be; the limit is there for what never is.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

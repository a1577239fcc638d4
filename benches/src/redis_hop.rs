//! `layer.redis_…hop_us`: how long a message takes from one process's layer over Redis into a
//! mailbox of another's.
//!
//! Two layers in this process, which are two to Redis, and a Redis of our own on this machine.
//! Messages go one at a time: the next is sent when the one before has arrived.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use downbeat::layer::{Address, Channel, Delivery, Layer as _, Mailbox, MailboxFull, Message};
use downbeat_server::RedisLayer;
use downbeat_server::config::{LayerConfig, RedisFormat, Secret};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::server::free_port;
use crate::{Plan, figure, print};

pub(crate) const NAMES: [&str; 2] = ["layer.redis_hop_us", "layer.redis_core_hop_us"];

const FORMATS: [RedisFormat; 2] = [RedisFormat::PubSub, RedisFormat::Core];

/// Sends before those that count.
const WARM_UP: u32 = 50;

/// Whatever takes longer is broken.
const WITHIN: Duration = Duration::from_secs(10);

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let found = Command::new("redis-server").arg("--version").output();
    if let Err(error) = found {
        for name in NAMES.iter().filter(|name| plan.wants(&[name])) {
            print(&format!(
                "NOT MEASURED: {name}: redis-server could not be run: {error}\n"
            ));
        }
        return Ok(());
    }
    let sends = if plan.quick { 200 } else { 1000 };
    let redis = Redis::start()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    for (name, format) in NAMES.into_iter().zip(FORMATS) {
        if plan.wants(&[name]) {
            figure(name, runtime.block_on(hop(&redis, format, sends))?, "us");
        }
    }
    Ok(())
}

/// A Redis of our own, which keeps nothing; killed when dropped.
struct Redis {
    process: Child,
    url: String,
}

impl Redis {
    fn start() -> Result<Self, String> {
        let address = free_port()?;
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1"])
            .args(["--port", &address.port().to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(std::env::temp_dir())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().map_err(|e| format!("redis-server: {e}"))?;
        let url = format!("redis://{address}");
        Ok(Self { process, url })
    }

    /// A layer as another process would have it, once it is connected.
    async fn layer(&self, format: RedisFormat) -> Result<Arc<RedisLayer>, String> {
        let config = LayerConfig {
            format,
            hosts: vec![Secret::new(self.url.clone())],
            ..LayerConfig::default()
        };
        let layer = RedisLayer::start(&config).map_err(|e| e.to_string())?;
        let began = Instant::now();
        while let Err(why) = layer.health() {
            if began.elapsed() > WITHIN {
                return Err(format!("not connected: {why}"));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(layer)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Tells when a message came.
struct Bell(mpsc::UnboundedSender<Instant>);

impl Mailbox for Bell {
    fn deliver(&self, _: u64, delivery: Delivery) -> Result<(), MailboxFull> {
        let now = Instant::now();
        std::hint::black_box(delivery);
        self.0.send(now).map_err(|_| MailboxFull)
    }

    fn missed(&self, _: u64) {}
}

/// The median. Units: microseconds.
async fn hop(redis: &Redis, format: RedisFormat, sends: u32) -> Result<f64, String> {
    let (here, there) = (redis.layer(format).await?, redis.layer(format).await?);
    let (bell, mut rings) = mpsc::unbounded_channel();
    let channel: Channel = there
        .open(Address::Unique("bench"), Arc::new(Bell(bell)), 0)
        .map_err(|e| e.to_string())?;
    there.settled().await.map_err(|e| e.to_string())?;
    let mut times = Vec::new();
    for number in 0..WARM_UP + sends {
        let message = Message::of("chat.message")
            .with("text", "hello everybody, this is a line of a chat")
            .with("number", i64::from(number));
        let message = Arc::new(message);
        let start = Instant::now();
        let sent = here.send(channel.name(), message).await;
        sent.map_err(|e| e.to_string())?;
        let Ok(Some(arrived)) = timeout(WITHIN, rings.recv()).await else {
            return Err(format!("message {number} did not come ({format:?})"));
        };
        if number >= WARM_UP {
            times.push(arrived.duration_since(start));
        }
    }
    if rings.try_recv().is_ok() {
        return Err(format!("a message came twice ({format:?})"));
    }
    times.sort_unstable();
    Ok(times[times.len() / 2].as_secs_f64() * 1e6)
}

//! `idle.connection_kib`: what a member costs that reads and says nothing.

use std::ops::Range;
use std::time::Duration;

use downbeat::client::hello;
use downbeat::wire::SUBPROTOCOL;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::server::Server;
use crate::{Plan, figure};

pub(crate) const NAMES: [&str; 2] = ["idle.connection_kib", "idle.ticks_per_min"];

const MEMBERS: u32 = 5000;
const ROOMS: u32 = 20;

/// A room's own lists have grown to their size by then.
const ROOMS_SETTLE: Duration = Duration::from_secs(5);

/// Sockets that connect at the same time.
const AT_ONCE: usize = 64;

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let server = Server::start()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let settle = Duration::from_secs(if plan.quick { 5 } else { 60 });
    // What a room takes by itself is not a member's: its animals, its map.
    let mut hosts = runtime.block_on(sit(&server, 0..ROOMS))?;
    std::thread::sleep(ROOMS_SETTLE);
    let before = server.memory()?;
    let mut members = runtime.block_on(sit(&server, ROOMS..ROOMS + MEMBERS))?;
    let (ticks_per_min, _) = server.pace(20, settle)?;
    let grown = server.memory()? - before;
    if let Some(ended) = members.try_join_next() {
        return Err(format!("a member did not stay: {ended:?}"));
    }
    figure(NAMES[0], grown / f64::from(MEMBERS) / 1024.0, "KiB");
    figure(NAMES[1], ticks_per_min, "ticks/min");
    members.detach_all();
    hosts.detach_all();
    drop(runtime);
    Ok(())
}

pub(crate) type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A member's socket, with small buffers: thousands of them share a machine with the server.
pub(crate) async fn connect(url: String) -> Result<Socket, String> {
    let mut request = url.into_client_request().map_err(|e| e.to_string())?;
    let protocol = SUBPROTOCOL.parse().map_err(|_| "subprotocol")?;
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", protocol);
    let mut config = WebSocketConfig::default();
    config.read_buffer_size = 4096;
    config.write_buffer_size = 1024;
    let connect = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
    let (socket, _) = connect.await.map_err(|e| e.to_string())?;
    Ok(socket)
}

/// Seats everybody; they sit as long as what this answers lives.
async fn sit(server: &Server, numbers: Range<u32>) -> Result<JoinSet<Result<(), String>>, String> {
    let count = numbers.len();
    let mut members = JoinSet::new();
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let (seated, mut seats) = tokio::sync::mpsc::unbounded_channel();
    for i in numbers {
        let url = format!("ws://{}/ws/meadow/idle-{}", server.address, i % ROOMS);
        let (gate, seated) = (gate.clone(), seated.clone());
        members.spawn(async move {
            let permit = gate.acquire_owned().await.map_err(|e| e.to_string())?;
            let mut socket = connect(url).await?;
            let hello = Message::binary(hello(
                &format!("idle-{i}"),
                downbeat::Schema::hash_of::<downbeat_scenarios::Meadow>().unwrap_or(0),
            ));
            socket.send(hello).await.map_err(|e| e.to_string())?;
            let first = socket.next().await;
            drop(permit);
            if matches!(first, Some(Ok(Message::Binary(_)))) {
                let _ = seated.send(());
            }
            // Reading answers the server's pings; that is all that a quiet client does.
            while let Some(Ok(message)) = socket.next().await {
                if message.is_close() {
                    return Err::<(), String>("closed".into());
                }
            }
            Err("gone".into())
        });
    }
    drop(seated);
    let mut joined = 0;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
    while joined < count {
        match tokio::time::timeout_at(deadline, seats.recv()).await {
            Ok(Some(())) => joined += 1,
            Ok(None) | Err(_) => break,
        }
    }
    if joined < count {
        return Err(format!(
            "{joined} of {count} joined: {:?}",
            members.try_join_next()
        ));
    }
    Ok(members)
}

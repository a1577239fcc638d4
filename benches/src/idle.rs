//! `idle.connection_kib`: what a member costs that reads and says nothing.

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

pub(crate) const NAMES: [&str; 1] = ["idle.connection_kib"];

const MEMBERS: u32 = 5000;
const ROOMS: u32 = 20;
/// Sockets that connect at the same time.
const AT_ONCE: usize = 64;

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let server = Server::start()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let settle = Duration::from_secs(if plan.quick { 5 } else { 20 });
    let before = server.memory()?;
    let (joined, left) = runtime.block_on(sit(&server, settle))?;
    let grown = server.memory()? - before;
    if joined < MEMBERS || left > 0 {
        return Err(format!("{joined} of {MEMBERS} joined, {left} were closed"));
    }
    figure(NAMES[0], grown / f64::from(MEMBERS) / 1024.0, "KiB");
    drop(runtime);
    Ok(())
}

/// Seats everybody, lets them sit, and answers how many joined and how many did not stay. They
/// still sit when this returns.
async fn sit(server: &Server, settle: Duration) -> Result<(u32, usize), String> {
    let mut members = JoinSet::new();
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let (seated, mut seats) = tokio::sync::mpsc::unbounded_channel();
    for i in 0..MEMBERS {
        let url = format!("ws://{}/ws/meadow/idle-{}", server.address, i % ROOMS);
        let (gate, seated) = (gate.clone(), seated.clone());
        members.spawn(async move {
            let permit = gate.acquire_owned().await.map_err(|e| e.to_string())?;
            let mut request = url.into_client_request().map_err(|e| e.to_string())?;
            let protocol = SUBPROTOCOL.parse().map_err(|_| "subprotocol")?;
            request
                .headers_mut()
                .insert("sec-websocket-protocol", protocol);
            let mut config = WebSocketConfig::default();
            config.read_buffer_size = 4096;
            config.write_buffer_size = 1024;
            let connect = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
            let (mut socket, _) = connect.await.map_err(|e| e.to_string())?;
            let hello = Message::binary(hello(&format!("idle-{i}")));
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
    while joined < MEMBERS {
        match tokio::time::timeout_at(deadline, seats.recv()).await {
            Ok(Some(())) => joined += 1,
            Ok(None) | Err(_) => break,
        }
    }
    tokio::time::sleep(settle).await;
    let mut left = 0;
    while let Some(ended) = members.try_join_next() {
        left += 1;
        if left == 1 {
            return Err(format!("a member did not stay: {ended:?}"));
        }
    }
    members.detach_all();
    Ok((joined, left))
}

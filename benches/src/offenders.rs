//! `offenders.interframe_p99_ratio`: what a dead, a silent, a never-reading and a flooding client
//! do to fifty honest ones beside them.

use std::time::Duration;

use downbeat::Tick;
use downbeat::client::hello;
use downbeat::codec;
use downbeat::wire::{ClientMessage, SUBPROTOCOL};
use downbeat_scenarios::Input;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::server::Server;
use crate::world::{load, number};
use crate::{Plan, figure};

pub(crate) const NAMES: [&str; 2] = ["offenders.interframe_p99_ratio", "offenders.closed"];

const HONEST: u32 = 50;
/// How often the offenders come back: the honest ones are never among themselves for long.
const AGAIN_AFTER: Duration = Duration::from_secs(4);

/// The same fifty bots in the same room, with and without offenders, in turn.
pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let (rounds, seconds) = if plan.quick { (1, 12) } else { (3, 20) };
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let server = Server::start()?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        alone.push(number(
            &load(&server, HONEST, 1, seconds)?,
            "/interframe_ms/p99",
        )?);
        let offenders = runtime.spawn(offend(server.address.to_string()));
        beside.push(number(
            &load(&server, HONEST, 1, seconds)?,
            "/interframe_ms/p99",
        )?);
        offenders.abort();
    }
    figure(NAMES[0], median(&mut beside) / median(&mut alone), "ratio");
    let closed: f64 = ["1008", "4008"]
        .iter()
        .map(|code| server.closes(code))
        .sum::<Result<_, _>>()?;
    figure(NAMES[1], closed, "connections");
    if closed < 4.0 {
        return Err("the offenders were not closed: the run proves nothing".into());
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// All four kinds at once, again and again.
async fn offend(address: String) {
    loop {
        let kinds = (
            dead(&address).await,
            silent(&address).await,
            deaf(&address).await,
        );
        let flood = tokio::spawn(flood(address.clone()));
        tokio::time::sleep(AGAIN_AFTER).await;
        flood.abort();
        drop(kinds);
    }
}

type Socket = WebSocketStream<TcpStream>;

/// In the room where the bots are, which `load` calls `load-1`.
async fn enter(address: &str) -> Result<Socket, String> {
    let url = format!("ws://{address}/ws/meadow/load-1");
    let mut request = url.into_client_request().map_err(|e| e.to_string())?;
    let protocol = SUBPROTOCOL.parse().map_err(|_| "subprotocol")?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let stream = TcpStream::connect(address)
        .await
        .map_err(|e| e.to_string())?;
    let connect = tokio_tungstenite::client_async(request, stream).await;
    let (mut socket, _) = connect.map_err(|e| e.to_string())?;
    let hello = Message::binary(hello(
        "offender",
        downbeat::Schema::hash_of::<downbeat_scenarios::Meadow>().unwrap_or(0),
    ));
    socket.send(hello).await.map_err(|e| e.to_string())?;
    Ok(socket)
}

/// Joins, and is never heard of again, though its socket stays.
async fn dead(address: &str) -> Result<Socket, String> {
    enter(address).await
}

/// Reads every byte, and says nothing: not even a pong.
async fn silent(address: &str) -> Result<tokio::task::JoinHandle<()>, String> {
    let socket = enter(address).await?;
    Ok(tokio::spawn(async move {
        let mut stream = socket.into_inner();
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    }))
}

/// Speaks and never reads.
async fn deaf(address: &str) -> Result<tokio::task::JoinHandle<()>, String> {
    let (mut writer, reader) = enter(address).await?.split();
    Ok(tokio::spawn(async move {
        for seq in 1.. {
            if writer.send(Message::binary(walk(seq))).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        drop(reader);
    }))
}

/// Sends as fast as its socket takes it.
async fn flood(address: String) {
    let Ok(socket) = enter(&address).await else {
        return;
    };
    let (mut writer, mut reader) = socket.split();
    let reading = tokio::spawn(async move { while let Some(Ok(_)) = reader.next().await {} });
    for seq in 1.. {
        if writer.feed(Message::binary(walk(seq))).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    reading.abort();
}

fn walk(seq: u32) -> Vec<u8> {
    codec::encode(&ClientMessage::Input {
        seq,
        seen: Tick::ZERO,
        behind: 0,
        input: Input::Walk { dx: 127, dy: 0 },
    })
}

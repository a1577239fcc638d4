//! Clients that do not keep up or do not keep still, beside an honest one: what each is told, and
//! what the operator sees of it.

use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::process::Served;
use crate::stage::{Client, request};

/// Long enough for an echo that is 2.5 s late and a flood of 3 s.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads, but answers nothing, not even pings.
async fn silent(mut client: Client) -> u16 {
    let mut got = Vec::new();
    client
        .ws
        .get_mut()
        .read_to_end(&mut got)
        .await
        .expect("an end");
    code_at_the_end(&got)
}

/// Says and reads nothing until it is too late.
async fn dead(mut client: Client) -> u16 {
    tokio::time::sleep(Duration::from_secs(4)).await;
    client.goodbye().await.0
}

/// Plays on, but never reads until it is too late.
async fn never_reading(mut client: Client) -> u16 {
    for seq in 1..=40 {
        // It fails once the server has given up.
        let _ = client.ws.send(binary(client.view.input(seq, 1))).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    client.goodbye().await.0
}

/// Reads, echoes the newest tick with everything that it says, but says far too much.
async fn flooding(mut client: Client) -> u16 {
    let mut seq = 0;
    loop {
        for _ in 0..4 {
            seq += 1;
            let _ = client.ws.send(binary(client.view.input(seq, 1))).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        while let Some(read) = client.ws.next().now_or_never() {
            match read.expect("a goodbye first").expect("read") {
                Message::Binary(bytes) => drop(client.view.apply(&bytes)),
                Message::Close(close) => return close.expect("a code").code.into(),
                _ => {}
            }
        }
    }
}

fn binary(bytes: Vec<u8>) -> Message {
    Message::Binary(bytes.into())
}

/// The code of the close frame that ends these bytes: its reason has fewer than 126.
fn code_at_the_end(bytes: &[u8]) -> u16 {
    let at = bytes.iter().rposition(|&byte| byte == 0x88);
    let at = at.expect("a close frame");
    u16::from_be_bytes([bytes[at + 2], bytes[at + 3]])
}

#[tokio::test]
async fn offenders_get_their_codes_in_close_frame_log_and_metrics() {
    let served = Served::start(&[("DOWNBEAT_LOG", "warn,downbeat=debug")]);
    let join = async || {
        let (players, path) = (served.players, "/ws/counter/main");
        let request = crate::stage::handshake(players, path);
        let mut client = Client::connect_with(players, request).await.expect("in");
        client.send(crate::stage::hello("Eve")).await;
        client.see(|view| view.tick.number() > 0).await;
        client
    };
    let mut honest = join().await;
    let (a, b, c, d) = (join().await, join().await, join().await, join().await);
    let offenders = async { tokio::join!(dead(a), silent(b), never_reading(c), flooding(d)) };
    let offenders = tokio::time::timeout(PATIENCE, offenders);
    let mut offenders = std::pin::pin!(offenders);
    let codes = loop {
        tokio::select! {
            codes = &mut offenders => break codes.expect("in time"),
            read = honest.ws.next() => match read.expect("more").expect("read") {
                Message::Binary(bytes) => {
                    honest.view.apply(&bytes).expect("a message of the protocol");
                    let seen = honest.view.tick.number();
                    if seen.is_multiple_of(10) {
                        honest.send(honest.view.seen()).await;
                    }
                }
                Message::Close(close) => panic!("the honest one was closed: {close:?}"),
                _ => {}
            },
        }
    };
    assert_eq!(codes, (4008, 4008, 4008, 1008));
    let metrics = request(served.operators, "GET", "/metrics", "").await;
    for line in [
        "downbeat_closes_total{code=\"1008\"} 1\n",
        "downbeat_closes_total{code=\"4008\"} 3\n",
        "downbeat_closes_total{code=\"1006\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let log = served.stop();
    let closing = |code: &str| {
        let lines = log.lines().filter(|line| line.contains(" closing "));
        lines.filter(|line| line.contains(code)).count()
    };
    assert_eq!(
        (closing("code=4008"), closing("code=1008")),
        (3, 1),
        "{log}"
    );
}

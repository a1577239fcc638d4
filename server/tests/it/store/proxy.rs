//! A proxy between the store and its database that does to them what networks do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// What it does to those who connect, and to those who are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Open,
    /// Whoever is connected is cut off, whoever connects is, too.
    Cut,
    /// Nothing comes through, and nobody is told.
    Stalled,
    /// Every piece takes this long.
    Slow(Duration),
    /// Cut off when the next commit has been asked for, before the database hears of it.
    CutBeforeCommit,
    /// The same, after the database has made it, before anybody hears of that.
    CutAfterCommit,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    line: watch::Sender<Line>,
    /// Commits that were cut off.
    cut: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn to(database: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let line = watch::Sender::new(Line::Open);
        let cut = Arc::new(AtomicUsize::new(0));
        let (told, counted) = (line.clone(), Arc::clone(&cut));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (line, cut) = (told.clone(), Arc::clone(&counted));
                tokio::spawn(async move {
                    if *line.borrow() != Line::Cut {
                        let server = TcpStream::connect(database).await.expect("connected");
                        forward(client, server, line, cut).await;
                    }
                });
            }
        });
        Self { address, line, cut }
    }

    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Commits that were cut off so far.
    pub(crate) fn cuts(&self) -> usize {
        self.cut.load(Ordering::SeqCst)
    }
}

async fn forward(
    client: TcpStream,
    server: TcpStream,
    line: watch::Sender<Line>,
    cut: Arc<AtomicUsize>,
) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Whether answers are kept back.
    let hush = AtomicBool::new(false);
    let mut told = line.subscribe();
    let is_cut = told.wait_for(|line| *line == Line::Cut);
    tokio::select! {
        () = asked(from_client, to_server, &line, (&cut, &hush)) => {}
        () = answered(from_server, to_client, &line, &hush) => {}
        _ = is_cut => {}
    }
}

type From = tokio::net::tcp::OwnedReadHalf;
type To = tokio::net::tcp::OwnedWriteHalf;

async fn asked(
    mut from: From,
    mut to: To,
    line: &watch::Sender<Line>,
    (cut, hush): (&AtomicUsize, &AtomicBool),
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(n @ 1..) = from.read(&mut bytes).await else {
            return;
        };
        let piece = &bytes[..n];
        pass(line).await;
        let is_commit = piece.windows(6).any(|word| word == b"COMMIT");
        let now = *line.borrow();
        match now {
            Line::CutBeforeCommit if is_commit => {
                cut.fetch_add(1, Ordering::SeqCst);
                line.send_replace(Line::Open);
                return;
            }
            Line::CutAfterCommit if is_commit => {
                hush.store(true, Ordering::SeqCst);
                let sent = to.write_all(piece).await;
                sent.expect("the database is there");
                // It is made meanwhile, and its answer kept back.
                sleep(Duration::from_millis(100)).await;
                cut.fetch_add(1, Ordering::SeqCst);
                line.send_replace(Line::Open);
                return;
            }
            _ => {}
        }
        if to.write_all(piece).await.is_err() {
            return;
        }
    }
}

async fn answered(mut from: From, mut to: To, line: &watch::Sender<Line>, hush: &AtomicBool) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(n @ 1..) = from.read(&mut bytes).await else {
            return;
        };
        pass(line).await;
        let told = !hush.load(Ordering::SeqCst);
        if told && to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}

/// Waits as the line does.
async fn pass(line: &watch::Sender<Line>) {
    let mut told = line.subscribe();
    let now = *told.borrow();
    match now {
        Line::Stalled => {
            let moves = told.wait_for(|line| *line != Line::Stalled).await;
            moves.expect("the sender is here");
        }
        Line::Slow(by) => sleep(by).await,
        _ => {}
    }
}

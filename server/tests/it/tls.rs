//! TLS on the players' port.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use downbeat_server::{App, Config, Running};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::stage::{Adder, handshake, hello, is_well, start_with};

/// Writes a new certificate with its key; answers the certificate.
fn issue(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let made = made.expect("generated");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("written");
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("written");
    made.cert.der().clone()
}

fn config(folder: &Path) -> Config {
    let mut config = Config::for_tests();
    config.gate.tls.cert = Some(folder.join("cert.pem"));
    config.gate.tls.key = Some(folder.join("key.pem"));
    config
}

async fn connect(
    running: &Running,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(running.addr()).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(client))
        .connect(name, stream)
        .await
}

async fn request(mut stream: TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // Who closes without a goodbye of TLS has closed nevertheless.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn pages_and_websockets_come_over_tls() {
    use futures_util::{SinkExt as _, StreamExt as _};

    let folder = tempfile::tempdir().expect("a folder");
    let trusted = issue(folder.path());
    let running = start_with(config(folder.path())).await;
    let stream = connect(&running, &trusted).await.expect("greeted");
    let body = "{}";
    let asks = format!(
        "POST /api/guest HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let guest = request(stream, &asks).await;
    assert!(guest.starts_with("HTTP/1.1 200 "), "{guest}");
    assert!(guest.contains("; Secure"), "{guest}");
    let stream = connect(&running, &trusted).await.expect("greeted");
    let asked = handshake(running.addr(), "/ws/adder/main");
    let (mut ws, _) = tokio_tungstenite::client_async(asked, stream)
        .await
        .expect("in");
    ws.send(Message::Binary(hello("Ada").into()))
        .await
        .expect("sent");
    let mut view = downbeat::client::View::<Adder>::new();
    let mut sent = false;
    while view.shared.sum != 9 {
        match ws.next().await.expect("more").expect("read") {
            Message::Binary(bytes) => view.apply(&bytes).map(drop).expect("the protocol"),
            _ => continue,
        }
        if !sent && view.welcome.is_some() {
            ws.send(Message::Binary(view.input(1, 9).into()))
                .await
                .expect("sent");
            sent = true;
        }
    }
    ws.close(None).await.expect("sent");
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn who_speaks_no_tls_or_too_slowly_is_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let trusted = issue(folder.path());
    let mut config = config(folder.path());
    config.limits.handshake = Duration::from_millis(300);
    let running = start_with(config).await;
    let mut plain = TcpStream::connect(running.addr()).await.expect("connected");
    let asks = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    plain.write_all(asks.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let mut silent = TcpStream::connect(running.addr()).await.expect("connected");
    let closed = tokio::time::timeout(Duration::from_secs(5), silent.read(&mut [0; 1])).await;
    assert_eq!(closed.expect("closed in time").ok(), Some(0));
    // Greeted, but then not a word: the same deadline holds.
    let mut stream = connect(&running, &trusted).await.expect("greeted");
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 1])).await;
    let closed = closed.expect("closed in time");
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_certificate_is_taken_and_a_bad_one_never_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = issue(folder.path());
    let running = start_with(config(folder.path())).await;
    let hang_up = || {
        let pid = std::process::id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-HUP", &pid])
            .status();
        assert!(sent.expect("it runs").success());
    };
    connect(&running, &old).await.expect("greeted");
    let good_key = std::fs::read(folder.path().join("key.pem")).expect("read");
    std::fs::write(folder.path().join("key.pem"), "nonsense").expect("written");
    hang_up();
    tokio::time::sleep(Duration::from_millis(200)).await;
    connect(&running, &old).await.expect("the old one stays");
    std::fs::write(folder.path().join("key.pem"), good_key).expect("written");
    let new = issue(folder.path());
    hang_up();
    let taken = async {
        while connect(&running, &new).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let taken = tokio::time::timeout(Duration::from_secs(10), taken).await;
    taken.expect("the new one is taken");
    assert!(connect(&running, &old).await.is_err());
}

#[tokio::test]
async fn half_a_certificate_is_told_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    issue(folder.path());
    let start = async |config| {
        let started = App::new().game::<Adder>().start(config).await;
        started.map(drop).expect_err("a mistake").to_string()
    };
    let mut half = config(folder.path());
    half.gate.tls.key = None;
    assert_eq!(start(half).await, "TLS needs both tls.cert and tls.key");
    let mut missing = config(folder.path());
    missing.gate.tls.cert = Some(folder.path().join("none.pem"));
    assert!(start(missing).await.contains("none.pem: "));
    let mut swapped = config(folder.path());
    std::mem::swap(&mut swapped.gate.tls.cert, &mut swapped.gate.tls.key);
    assert!(
        start(swapped)
            .await
            .contains("key.pem: no certificate in it")
    );
    let running = start_with(Config::for_tests()).await;
    is_well(&running).await;
}

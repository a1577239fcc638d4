//! Peers that speak no TLS, another one, or half of it; and those who are inside meanwhile.

use std::fs;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;

use super::case::{CUT, Case, HANDSHAKE, Outcome};
use super::people::Inside;
use super::raw::Raw;
use super::stage::Stage;

/// A certificate in files, and who trusts it.
pub(crate) struct Certificate {
    folder: TempDir,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Writes a new one with its key; how a client greets that trusts no other.
    pub(crate) fn issue(&self) -> ClientConfig {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
        let made = made.expect("generated");
        let write = |name, text| fs::write(self.folder.path().join(name), text).expect("written");
        write("key.pem", made.signing_key.serialize_pem());
        write("cert.pem", made.cert.pem());
        greeting(made.cert.der())
    }

    pub(crate) fn settings(&self) -> String {
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| self.folder.path().join(name));
        format!("[tls]\ncert = {cert:?}\nkey = {key:?}\n")
    }
}

fn greeting(trusted: &CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The start of a greeting: record and handshake of these versions, and nothing that newer ones
/// would say. Source: RFC 5246 § 7.4.1.2.
fn client_hello(record: u16, version: u16) -> Vec<u8> {
    let suites = [0xc0, 0x2b, 0xc0, 0x2f, 0x00, 0x9c, 0x00, 0x2f, 0x00, 0x0a];
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.extend([0, 0, u8::try_from(suites.len()).expect("few")]);
    body.extend(suites);
    body.extend([1, 0]);
    let len = |bytes: &[u8]| u16::try_from(bytes.len()).expect("short").to_be_bytes();
    let handshake = [&[1, 0][..], &len(&body), &body].concat();
    [
        &[22][..],
        &record.to_be_bytes(),
        &len(&handshake),
        &handshake,
    ]
    .concat()
}

/// Sends bytes on a bare connection: CUT, if no word of HTTP comes back.
fn bare(name: &str, bytes: Vec<u8>) -> Case {
    Case::new(format!("TLS: {name}"), &[CUT], move |stage| {
        super::case::status(stage.port, &bytes)
    })
}

/// What a greeting with these protocols comes to: a status, or CUT.
fn alpn(name: &str, protocols: &[&str], expect: Outcome, trusted: &ClientConfig) -> Case {
    let mut greeting = trusted.clone();
    greeting.alpn_protocols = protocols
        .iter()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    let greeting = Arc::new(greeting);
    Case::new(
        format!("TLS: {name}"),
        &[expect],
        move |stage| match Raw::connect_tls(stage.port, &greeting) {
            Ok(mut raw) => {
                raw.send(HANDSHAKE.as_bytes());
                raw.head().map_or(CUT, |answer| answer.status)
            }
            Err(_) => CUT,
        },
    )
}

pub(crate) fn cases(trusted: &ClientConfig) -> Vec<Case> {
    let good = client_hello(0x0301, 0x0303);
    let plain = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut cut = good.clone();
    cut.truncate(40);
    let mut long = good.clone();
    long[3..5].copy_from_slice(&[0xff, 0xff]);
    let mut late = trusted.clone();
    late.enable_sni = false;
    let mut cases = vec![
        bare("plain HTTP", plain.into()),
        bare("a plain handshake", HANDSHAKE.into()),
        bare(
            "HTTP/2 without TLS",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        ),
        bare("SSH", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        bare(
            "a header of a proxy",
            [b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", &good[..]].concat(),
        ),
        bare(
            "SSL 2",
            b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10".repeat(8),
        ),
        bare("SSL 3", client_hello(0x0300, 0x0300)),
        bare("TLS 1.0", client_hello(0x0301, 0x0301)),
        bare("TLS 1.1", client_hello(0x0302, 0x0302)),
        bare(
            "a version of the future alone",
            client_hello(0x0305, 0x0305),
        ),
        bare("a greeting cut short", cut),
        bare(
            "a record that is too long",
            [long, vec![0; 70_000]].concat(),
        ),
        bare(
            "an empty record",
            [b"\x16\x03\x01\x00\x00".repeat(100), good.clone()].concat(),
        ),
        bare("an alert first", b"\x15\x03\x03\x00\x02\x02\x28".to_vec()),
        bare(
            "data first",
            [b"\x17\x03\x03\x00\x10", &[7; 16][..]].concat(),
        ),
        bare("a key first", b"\x14\x03\x03\x00\x01\x01".to_vec()),
        bare("two greetings", good.repeat(2)),
        bare("zeros", vec![0; 4096]),
        bare(
            "a greeting and plain HTTP",
            [&good[..], plain.as_bytes()].concat(),
        ),
        alpn("no protocol", &[], 101, trusted),
        alpn("HTTP/1.1", &["http/1.1"], 101, trusted),
        alpn("HTTP/1.1 among others", &["h2", "http/1.1"], 101, trusted),
        alpn("HTTP/2 alone", &["h2"], CUT, trusted),
        alpn("a protocol that there is not", &["evil"], CUT, trusted),
        alpn("HTTP/1.0", &["http/1.0"], CUT, trusted),
        alpn("without a name", &[], 101, &late),
    ];
    for (name, lines) in [
        ("told nothing", ""),
        ("told it is not", "X-Forwarded-Proto: http\r\n"),
    ] {
        cases.push(Case::new(
            format!("TLS: a cookie, {name}"),
            &[200],
            move |stage| {
                let answer = stage.post("/api/guest", lines, "{}");
                let cookie = answer.header("set-cookie").expect("a cookie");
                assert!(
                    cookie.contains("; Secure; ") || cookie.ends_with("; Secure"),
                    "{name}"
                );
                stage.issued(cookie.split(['=', ';']).nth(1).expect("a value"));
                answer.status
            },
        ));
    }
    cases.extend([
        Case::new("TLS: the cookie that a logout clears", &[204], |stage| {
            let answer = stage.post("/api/logout", &super::people::bearer(&stage.guest()), "{}");
            let cookie = answer.header("set-cookie").expect("a cookie");
            assert!(cookie.contains("; Secure"), "it is cleared as it was set");
            answer.status
        }),
        Case::new("TLS: no metrics at the players' door", &[404], |stage| {
            stage.request("GET", "/metrics", "", "").status
        }),
    ]);
    cases
}

/// How much of a handshake somebody says before it falls silent.
fn halves() -> [Vec<u8>; 3] {
    let good = client_hello(0x0301, 0x0303);
    [Vec::new(), good[..1].to_vec(), good[..50].to_vec()]
}

/// Connections that have said so much and no more.
pub(crate) fn hang(stage: &Stage, count: usize) -> Vec<Raw> {
    let parts = halves();
    let hanging = (0..count).map(|n| {
        let mut raw = Raw::connect(stage.port);
        raw.send(&parts[n % parts.len()]);
        raw
    });
    hanging.collect()
}

/// Members come in by one certificate, and stay while it is changed for another.
pub(crate) fn reload(certificate: &Certificate) {
    let old = Arc::new(certificate.issue());
    let mut stage = Stage::open_tls(&certificate.settings(), Arc::clone(&old));
    let (member, _) = stage.enter("main", "x", "").expect("let in");
    let shown = member.certificate();
    let member = Inside::new(member);
    let keeps = fs::read(certificate.folder.path().join("key.pem")).expect("read");
    for wrong in [&b"nonsense"[..], b""] {
        fs::write(certificate.folder.path().join("key.pem"), wrong).expect("written");
        let before = stage.log().matches("the old certificate stays").count();
        hang_up(&stage);
        stage.until("refused", |stage| {
            stage.log().matches("the old certificate stays").count() > before
        });
        assert_eq!(stage.connect().certificate(), shown, "the old one stays");
        stage.honest().expect("an honest bot gets in");
    }
    fs::write(certificate.folder.path().join("key.pem"), keeps).expect("written");
    for _ in 0..3 {
        let new = Arc::new(certificate.issue());
        hang_up(&stage);
        stage.until("greeted with the new one", |stage| {
            Raw::connect_tls(stage.port, &new).is_ok()
        });
        assert!(
            Raw::connect_tls(stage.port, &old).is_err(),
            "the old one is gone"
        );
        stage.greet_by(new);
        stage.honest().expect("an honest bot gets in");
    }
    assert!(member.leave(), "who is in stays");
}

/// What a deployment's hook does.
fn hang_up(stage: &Stage) {
    let pid = stage.pid().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-HUP", &pid])
        .status();
    assert!(sent.expect("it runs").success());
}

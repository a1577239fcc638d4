//! TLS on the players' port: one certificate, read again when its files change.
//!
//! In: two PEM files. Out: encrypted streams. A pair that is of no use never replaces one that is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::config::TlsConfig;
use crate::limits::{TLS_BUFFER_BYTES, TLS_LOOK_EVERY};

/// Why a certificate is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    /// One of the two is not said.
    #[error("TLS needs both tls.cert and tls.key")]
    Half,
    /// A file cannot be read, or holds something else.
    #[error("{}: {error}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: String,
    },
    /// They do not belong together.
    #[error("{} and {} make no certificate: {error}", .cert.display(), .key.display())]
    Pair {
        /// The certificate.
        cert: PathBuf,
        /// Its key.
        key: PathBuf,
        /// What is wrong.
        error: rustls::Error,
    },
}

/// The certificate in use.
pub(crate) struct Tls {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

/// By what it is seen that a file has changed.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// Reads the files, if TLS is to be spoken.
    pub(crate) fn of(config: &TlsConfig) -> Result<Option<Arc<Self>>, BadTls> {
        let (cert, key) = match (&config.cert, &config.key) {
            (None, None) => return Ok(None),
            (Some(cert), Some(key)) => (cert.clone(), key.clone()),
            _ => return Err(BadTls::Half),
        };
        let current = RwLock::new(load(&cert, &key)?);
        Ok(Some(Arc::new(Self { cert, key, current })))
    }

    /// Greets a peer with the newest certificate.
    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let current = self.current.read();
        let current = Arc::clone(&current.unwrap_or_else(PoisonError::into_inner));
        let accepting = TlsAcceptor::from(current).accept_with(stream, |connection| {
            connection.set_buffer_limit(Some(TLS_BUFFER_BYTES));
        });
        accepting.await
    }

    /// Looks whether the files have changed, now and then and when it is told to.
    pub(crate) async fn watch(self: Arc<Self>, closing: CancellationToken) {
        let mut told = Told::new();
        let mut seen = self.stamp().await;
        loop {
            let at_once = tokio::select! {
                () = closing.cancelled() => return,
                () = sleep(TLS_LOOK_EVERY) => false,
                () = told.wait() => true,
            };
            let stamp = self.stamp().await;
            if at_once || stamp != seen {
                seen = stamp;
                let tls = Arc::clone(&self);
                let reloading = tokio::task::spawn_blocking(move || tls.reload());
                // It does not panic, and if it did, the old certificate would stay.
                let _ = reloading.await;
            }
        }
    }

    /// Takes the files' pair if it is good.
    pub(crate) fn reload(&self) {
        match load(&self.cert, &self.key) {
            Ok(new) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
                tracing::info!(cert = %self.cert.display(), "certificate reloaded");
            }
            Err(error) => tracing::warn!(%error, "the old certificate stays"),
        }
    }

    async fn stamp(&self) -> Stamp {
        let mut stamp = [None, None];
        for (place, path) in stamp.iter_mut().zip([&self.cert, &self.key]) {
            let found = tokio::fs::metadata(path).await.ok();
            *place = found.and_then(|found| Some((found.modified().ok()?, found.len())));
        }
        stamp
    }
}

fn load(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, BadTls> {
    let bad = |path: &Path, error: String| BadTls::File {
        path: path.to_owned(),
        error,
    };
    let read = |path: &Path| fs::read(path).map_err(|error| bad(path, error.to_string()));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(cert)?).collect();
    let chain = chain.map_err(|error| bad(cert, error.to_string()))?;
    if chain.is_empty() {
        return Err(bad(cert, "no certificate in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_slice(&read(key)?);
    let private = private.map_err(|error| bad(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("the provider speaks both");
    let config = builder
        .with_no_client_auth()
        .with_single_cert(chain, private);
    let mut config = config.map_err(|error| BadTls::Pair {
        cert: cert.to_owned(),
        key: key.to_owned(),
        error,
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The signal by which a person says that there is a new certificate.
struct Told {
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
}

impl Told {
    fn new() -> Self {
        Self {
            #[cfg(unix)]
            hangup: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        if let Some(hangup) = &mut self.hangup
            && hangup.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

//! The watch over those who are in: sessions that ended elsewhere, members that are not coming
//! back.
//!
//! In: time. Out: goodbyes. It looks at a few at a time, so that neither the store nor those who
//! want in notice.

use std::sync::Arc;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::limits::{REVALIDATE_AT_ONCE, REVALIDATE_PAUSE, SWEEP_EVERY};
use crate::server::Server;

/// Watches until the server closes.
pub(crate) async fn watch(server: Arc<Server>, closing: CancellationToken) {
    // A store that takes its time keeps nobody's place.
    let sweeping = async {
        loop {
            sleep(SWEEP_EVERY.min(server.config.gate.revalidate)).await;
            server.gate.stays.sweep();
        }
    };
    let looking = async {
        loop {
            let next = Instant::now() + server.config.gate.revalidate;
            revalidate(&server).await;
            sleep_until(next).await;
        }
    };
    tokio::select! {
        () = closing.cancelled() => {}
        () = sweeping => {}
        () = looking => {}
    }
}

/// Looks at every session on which somebody's stay hangs.
async fn revalidate(server: &Server) {
    let gate = &server.gate;
    let sessions: Vec<_> = gate.stays.sessions().into_iter().collect();
    for sessions in sessions.chunks(REVALIDATE_AT_ONCE) {
        for session in gate.sessions.revalidate(sessions).await.unwrap_or_default() {
            tracing::debug!(session = session.fingerprint(), "a session ended");
            gate.stays.close_session(session);
        }
        sleep(REVALIDATE_PAUSE).await;
    }
}

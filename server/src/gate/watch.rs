//! The watch over those who are in: sessions that ended elsewhere, members that are not coming
//! back.
//!
//! In: time. Out: goodbyes. It looks at a few at a time, so that neither the store nor those who
//! want in notice.

use std::sync::Arc;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::gate::sessions::Verdict;
use crate::limits::{REVALIDATE_AT_ONCE, REVALIDATE_PAUSE, SWEEP_EVERY};
use crate::server::Server;

/// Watches until the server closes.
pub(crate) async fn watch(server: Arc<Server>, closing: CancellationToken) {
    let every = server.config.gate.revalidate;
    let watching = async {
        let mut looked = Instant::now();
        loop {
            sleep(SWEEP_EVERY.min(every)).await;
            server.gate.stays.sweep();
            if looked.elapsed() >= every {
                looked = Instant::now();
                revalidate(&server).await;
            }
        }
    };
    tokio::select! {
        () = closing.cancelled() => {}
        () = watching => {}
    }
}

/// Looks at every session on which somebody's stay hangs.
async fn revalidate(server: &Server) {
    let gate = &server.gate;
    for (index, session) in gate.stays.sessions().into_iter().enumerate() {
        if index % REVALIDATE_AT_ONCE == REVALIDATE_AT_ONCE - 1 {
            sleep(REVALIDATE_PAUSE).await;
        }
        if gate.sessions.revalidate(session).await == Verdict::Over {
            tracing::debug!(session = session.fingerprint(), "a session ended");
            gate.stays.close_session(session);
        }
    }
}

//! The audit: one line for each attempt to get in, and a second one for who is turned back before
//! it had a seat; without secrets.

use std::collections::BTreeMap;
use std::net::IpAddr;

use downbeat::wire::Close;

use crate::gate::credential::Credential;
use crate::gate::scope::Scope;

/// Somebody's attempt to get in, as far as it is known yet.
pub(crate) struct Attempt {
    address: IpAddr,
    game: String,
    room: String,
    credential: &'static str,
    fingerprint: Option<String>,
    user: Option<String>,
    logged: bool,
}

impl Attempt {
    pub(crate) fn new(address: IpAddr, captures: &BTreeMap<String, String>) -> Self {
        let capture = |name: &str| captures.get(name).cloned().unwrap_or_default();
        Self {
            address,
            game: capture("game"),
            room: capture("room"),
            credential: "none",
            fingerprint: None,
            user: None,
            logged: false,
        }
    }

    pub(crate) fn is_made_with(&mut self, credential: &Credential) {
        self.credential = credential.word();
        self.fingerprint = credential.fingerprint();
    }

    pub(crate) fn is_of(&mut self, scope: &Scope) {
        self.game.clone_from(&scope.game);
        self.room.clone_from(&scope.room);
        self.user = scope.user.as_ref().map(|user| user.id.to_string());
    }

    pub(crate) fn log(&mut self, outcome: &str) {
        self.logged = true;
        tracing::debug!(
            target: "downbeat::audit",
            outcome,
            credential = self.credential,
            fingerprint = self.fingerprint,
            user = self.user,
            game = self.game,
            room = self.room,
            address = %self.address,
        );
    }
}

/// Whoever went before it was decided may have used up a ticket.
impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.logged {
            self.log("vanished");
        }
    }
}

/// Somebody was admitted, and is closed before it had a seat.
pub(crate) fn turned_back(scope: &Scope, address: IpAddr, close: Close) {
    tracing::debug!(
        target: "downbeat::audit",
        outcome = "turned_back",
        code = close.code.number(),
        reason = close.reason,
        user = scope.user.as_ref().map(|user| user.id.as_str()),
        game = scope.game,
        room = scope.room,
        address = %address,
    );
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::net::Ipv4Addr;
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            log.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_attempt_has_one_line_also_where_nothing_was_decided() {
        let log = Log::default();
        let to = log.clone();
        let lines = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || to.clone())
            .finish();
        tracing::subscriber::with_default(lines, || {
            let new = || Attempt::new(Ipv4Addr::LOCALHOST.into(), &BTreeMap::new());
            new().log("admitted");
            drop(new());
        });
        let log = log.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&log);
        let outcomes = ["admitted", "vanished"];
        assert_eq!(text.lines().count(), outcomes.len(), "{text}");
        for (line, outcome) in text.lines().zip(outcomes) {
            assert!(line.contains(outcome), "{line}");
        }
    }
}

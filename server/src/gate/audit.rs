//! The audit: one line for each admission and each refusal, without secrets.

use std::collections::BTreeMap;
use std::net::IpAddr;

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

    pub(crate) fn log(&self, outcome: &str) {
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

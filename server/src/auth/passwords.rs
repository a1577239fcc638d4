//! Passwords as they are kept: argon2id, with a salt each, on threads that may block.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use crate::blocking::{Blocking, BlockingError};

/// Hashes and verifies.
#[derive(Clone)]
pub(crate) struct Passwords {
    blocking: Blocking,
    /// Of nobody's password: who logs in to an account that there is not waits as long.
    nobody: Arc<str>,
}

impl Passwords {
    pub(crate) fn new(blocking: Blocking) -> Self {
        Self {
            blocking,
            // The parameters of a hash decide how long it takes; these are what `hash` writes.
            nobody: "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IG5vYm9keSBubw\
                     $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                .into(),
        }
    }

    /// What is stored for a password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, BlockingError> {
        let hash = move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.expect("a password of at most 1 KiB").to_string()
        };
        self.blocking.run(hash).await
    }

    /// Whether this is the password of an account; without an account it takes as long to say no.
    pub(crate) async fn verify(
        &self,
        password: String,
        stored: Option<&str>,
    ) -> Result<bool, BlockingError> {
        let is_somebody = stored.is_some();
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        let verify = move || {
            let stored = PasswordHash::new(&stored).ok();
            stored.is_some_and(|stored| {
                let verified = Argon2::default().verify_password(password.as_bytes(), &stored);
                verified.is_ok()
            })
        };
        Ok(self.blocking.run(verify).await? && is_somebody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let passwords = Passwords::new(Blocking::new(1, 8));
        let hash = passwords.hash("correct horse".into()).await.expect("idle");
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let verify = async |password: &str, stored| {
            let verified = passwords.verify(password.into(), stored).await;
            verified.expect("idle")
        };
        assert!(verify("correct horse", Some(&hash)).await);
        assert!(!verify("correct horsf", Some(&hash)).await);
        assert!(!verify("correct horse", None).await);
        assert!(!verify("correct horse", Some("nonsense")).await);
    }

    #[test]
    fn nobody_has_a_hash_that_takes_as_long_as_any() {
        let passwords = Passwords::new(Blocking::new(1, 1));
        let nobody = PasswordHash::new(&passwords.nobody).expect("a hash");
        let real = Argon2::default().hash_password(b"x").expect("hashed");
        assert_eq!(nobody.params, real.params);
        assert_eq!(nobody.algorithm, real.algorithm);
        let lengths = |hash: &PasswordHash| {
            let text = hash.to_string();
            text.split('$').map(str::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&nobody), lengths(&real));
    }
}

//! Tokens: 256 random bits as 43 characters, and what the server keeps of them.
//!
//! In: randomness of the system. Out: a text for the client, and a digest for the server: whoever
//! reads the server's memory or store finds nothing that would let him in.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};

/// Characters of a token: 32 bytes in base64url, without padding.
pub(crate) const TOKEN_CHARS: usize = 43;

/// A new secret, on its way to the one whom it is for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

/// What is kept of a token: the SHA-256 of its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Token {
    /// One that nobody has ever seen.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 32];
        fill_random(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl Digest {
    /// Of any text: a token of another kind, a JWT.
    pub(crate) fn of(text: &str) -> Self {
        let bytes = digest(&SHA256, text.as_bytes());
        Self(bytes.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// Of a text that has the shape of our tokens.
    pub(crate) fn of_token(text: &str) -> Option<Self> {
        // Decoded, so that 43 characters with stray bits at the end are none of ours.
        let is_token =
            text.len() == TOKEN_CHARS && URL_SAFE_NO_PAD.decode(text).is_ok_and(|b| b.len() == 32);
        is_token.then(|| Self::of(text))
    }

    /// What logs call it: enough to tell tokens apart, of no use to get in.
    pub(crate) fn fingerprint(&self) -> String {
        self.0[..4]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.digest().fingerprint())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.fingerprint())
    }
}

/// Fills with randomness that nobody can guess.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    let filled = SystemRandom::new().fill(bytes);
    filled.expect("the system gives randomness once it has started");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_digest_again() {
        let token = Token::random();
        assert_eq!(token.text().len(), TOKEN_CHARS);
        assert_eq!(Digest::of_token(token.text()), Some(token.digest()));
        assert_ne!(Token::random(), token);
    }

    #[test]
    fn what_has_another_shape_is_no_token() {
        let good = "A".repeat(43);
        assert!(Digest::of_token(&good).is_some());
        for bad in [
            "",
            "A",
            &"A".repeat(42),
            &"A".repeat(44),
            &format!("{}=", "A".repeat(42)),
            &format!("{}+", "A".repeat(42)),
            &format!("{}B", "A".repeat(42)), // two bits beyond the 256th
            &format!("{}é", "A".repeat(41)),
            &format!(" {}", "A".repeat(42)),
        ] {
            assert_eq!(Digest::of_token(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn logs_get_a_fingerprint_and_never_the_token() {
        let token = Token(String::from("A").repeat(43));
        let told = format!("{token:?} {:?}", token.digest());
        assert!(!told.contains("AAAA"), "{told}");
        assert_eq!(token.digest().fingerprint().len(), 8);
    }
}

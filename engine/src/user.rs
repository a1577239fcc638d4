//! Who somebody is beyond one room: the same on all devices, in all rooms and after a restart.

use std::fmt;
use std::sync::Arc;

use crate::limits::USER_ID_BYTES_MAX;

/// The name by which a user is known to the store, to the layer (group `user.{id}`) and to games.
///
/// Shape: 1–64 of `[A-Za-z0-9_-]`, so that it is valid within the name of a group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Arc<str>);

/// A text that is no [`UserId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no user id: 1-64 ASCII letters, digits, - and _")]
pub struct BadUserId(pub String);

impl UserId {
    /// The user with this id.
    ///
    /// # Errors
    /// If the text is none.
    pub fn new(id: &str) -> Result<Self, BadUserId> {
        let is_of_id = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        if (1..=USER_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(is_of_id) {
            Ok(Self(id.into()))
        } else {
            Err(BadUserId(id.into()))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::check_name;

    #[test]
    fn an_id_is_fit_for_the_name_of_a_group() {
        for good in ["a", "7", "acc-12_x", &"x".repeat(64)] {
            let id = UserId::new(good).expect("an id");
            assert_eq!(check_name(&format!("user.{id}"), false), Ok(()));
        }
        for bad in [
            "",
            "a.b",
            "a!b",
            "a b",
            "a\n",
            "é",
            "٣",
            "a/b",
            &"x".repeat(65),
        ] {
            assert_eq!(UserId::new(bad), Err(BadUserId(bad.into())), "{bad:?}");
        }
    }
}

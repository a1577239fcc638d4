//! What is kept, and how it is asked for.

use std::borrow::Cow;

use super::StoreError;
use crate::databases::{Dialect, Row};

/// Who has a name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Never another's, not even when it is gone. Fits the whole numbers of JavaScript.
    pub id: u64,
    /// As its owner writes it.
    pub name: String,
    /// What is kept of the password.
    pub password_hash: String,
    /// Whether it may not be used.
    pub banned: bool,
}

/// Somebody who has signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the token; the token itself is kept nowhere.
    pub token_hash: [u8; 32],
    /// Whose it is.
    pub user: String,
    /// What others call them.
    pub name: String,
    /// `guest`, `account` or `external`.
    pub kind: String,
    /// Units: seconds since 1970.
    pub created_at_s: i64,
    /// Units: seconds since 1970.
    pub expires_at_s: i64,
}

/// A line of a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatRow {
    /// No two lines have the same; a line that is told twice is kept once.
    pub key: String,
    /// Game and room, with a slash between them.
    pub room: String,
    /// Who said it.
    pub user: String,
    /// What they were called.
    pub name: String,
    /// What they said.
    pub text: String,
    /// When. Units: milliseconds since 1970.
    pub at_ms: i64,
}

pub(super) const ACCOUNT: &str =
    "select id, name, password_hash, banned from downbeat_accounts where id = ?";
pub(super) const ACCOUNT_BY_NAME: &str =
    "select id, name, password_hash, banned from downbeat_accounts where name_key = ?";
pub(super) const SESSION: &str = "select token_hash, user_id, name, kind, created_at_s, \
     expires_at_s from downbeat_sessions where token_hash = ?";
pub(super) const PROFILE: &str =
    "select profile from downbeat_profiles where user_id = ? and game = ?";
pub(super) const CHAT: &str = "select chat_key, room, user_id, name, line, at_ms \
     from downbeat_chat where room = ? order by at_ms desc, seq desc limit ?";

impl Account {
    pub(super) fn read(row: &Row) -> Option<Self> {
        Some(Self {
            id: row.int(0)?.try_into().ok()?,
            name: row.text(1)?.to_owned(),
            password_hash: row.text(2)?.to_owned(),
            banned: row.int(3)? != 0,
        })
    }
}

/// Shown without what is kept of the password.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("banned", &self.banned)
            .finish_non_exhaustive()
    }
}

impl SessionRow {
    pub(super) fn read(row: &Row) -> Option<Self> {
        Some(Self {
            token_hash: row.bytes(0)?.try_into().ok()?,
            user: row.text(1)?.to_owned(),
            name: row.text(2)?.to_owned(),
            kind: row.text(3)?.to_owned(),
            created_at_s: row.int(4)?,
            expires_at_s: row.int(5)?,
        })
    }
}

/// Shown without its token, though only a hash of it.
impl std::fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRow")
            .field("user", &self.user)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("expires_at_s", &self.expires_at_s)
            .finish_non_exhaustive()
    }
}

impl ChatRow {
    pub(super) fn read(row: &Row) -> Option<Self> {
        Some(Self {
            key: row.text(0)?.to_owned(),
            room: row.text(1)?.to_owned(),
            user: row.text(2)?.to_owned(),
            name: row.text(3)?.to_owned(),
            text: row.text(4)?.to_owned(),
            at_ms: row.int(5)?,
        })
    }
}

/// A statement that asks for one value, for one that asks for so many.
pub(super) fn any_of(sql: &str, values: usize) -> String {
    let marks = vec!["?"; values].join(", ");
    sql.replacen("= ?", &format!("in ({marks})"), 1)
}

/// The one row that there is at most.
pub(super) fn one<T>(
    rows: &[Row],
    read: impl FnOnce(&Row) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    match rows.first() {
        Some(row) => read(row).ok_or_else(strange).map(Some),
        None => Ok(None),
    }
}

/// Somebody else has written to our tables.
pub(super) fn strange() -> StoreError {
    tracing::error!("the store holds a row that is none of ours");
    StoreError::Refused("a row that is none of ours".to_owned())
}

/// A statement with `?` for each value, as this database wants it.
pub(super) fn dialect_of(sql: &str, dialect: Dialect) -> Cow<'_, str> {
    if dialect != Dialect::Postgres {
        return Cow::Borrowed(sql);
    }
    let mut parts = sql.split('?');
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        numbered += &format!("${}", at + 1);
        numbered += part;
    }
    Cow::Owned(numbered)
}

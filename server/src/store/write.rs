//! What can be written, each so that writing it a second time changes nothing.

use super::StoreError;
use super::row::{self, Account, ChatRow, SessionRow};
use crate::databases::{Connection, Dialect, Fault, Value};
use crate::limits::{
    CHAT_LINE_BYTES_MAX, PROFILE_BYTES_MAX, STORE_KEY_BYTES_MAX, STORE_TEXT_BYTES_MAX,
};

/// One write.
pub(super) enum Write {
    CreateAccount {
        account: Account,
        name_key: String,
        at_s: i64,
        /// Begins with it.
        session: Option<SessionRow>,
    },
    SetBanned {
        id: u64,
        banned: bool,
    },
    SetPasswordHash {
        id: u64,
        hash: String,
    },
    /// Together, so that no session of before outlives the password that it began with.
    ChangePassword {
        id: u64,
        hash: String,
        /// Whose sessions end.
        user: String,
        /// But for this one.
        kept: [u8; 32],
    },
    SaveSession(SessionRow),
    DeleteSession([u8; 32]),
    DeleteSessionsOf(String),
    SaveProfile {
        user: String,
        game: String,
        profile: String,
        at_s: i64,
    },
    Chat(ChatRow),
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Made; so many rows were touched.
    Done(u64),
    NameTaken,
    /// The database does not take it.
    Refused(String),
}

impl Outcome {
    /// As the log of writes keeps it.
    pub(super) fn to_number(&self) -> i64 {
        match self {
            Self::Done(touched) => i64::try_from(*touched).unwrap_or(i64::MAX),
            Self::NameTaken => -1,
            Self::Refused(_) => -2,
        }
    }

    pub(super) fn of_number(number: i64) -> Self {
        match number {
            -1 => Self::NameTaken,
            touched => u64::try_from(touched)
                .map_or_else(|_| Self::Refused("refused before".to_owned()), Self::Done),
        }
    }
}

impl Write {
    /// What it takes of the queue.
    pub(super) fn bytes(&self) -> usize {
        const ITSELF: usize = 256;
        ITSELF
            + match self {
                Self::SaveProfile { profile, .. } => profile.len(),
                Self::Chat(line) => line.text.len(),
                _ => 0,
            }
    }

    /// Whether all databases would take it: lengths, and no NUL, which PostgreSQL has no place for.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let no_longer = |what: &str, text: &str, bytes: usize| {
            let fault = if text.len() > bytes {
                format!("{what} has {} bytes, expected {bytes} at most", text.len())
            } else if text.contains('\0') {
                format!("{what} has a NUL in it")
            } else {
                return Ok(());
            };
            Err(StoreError::Refused(fault))
        };
        let key = |what, text: &str| no_longer(what, text, STORE_KEY_BYTES_MAX);
        let text = |what, text: &str| no_longer(what, text, STORE_TEXT_BYTES_MAX);
        match self {
            Self::CreateAccount {
                account,
                name_key,
                session,
                ..
            } => {
                text("name", &account.name)?;
                text("password_hash", &account.password_hash)?;
                key("name_key", name_key)?;
                let session = session.clone().map(Self::SaveSession);
                session.map_or(Ok(()), |session| session.check())
            }
            Self::SetPasswordHash { hash, .. } | Self::ChangePassword { hash, .. } => {
                text("password_hash", hash)
            }
            Self::SaveSession(row) => {
                text("name", &row.name)?;
                key("kind", &row.kind)?;
                key("user", &row.user)
            }
            Self::SaveProfile {
                user,
                game,
                profile,
                ..
            } => {
                key("user", user)?;
                key("game", game)?;
                no_longer("profile", profile, PROFILE_BYTES_MAX)
            }
            Self::Chat(line) => {
                key("key", &line.key)?;
                key("room", &line.room)?;
                key("user", &line.user)?;
                text("name", &line.name)?;
                no_longer("text", &line.text, CHAT_LINE_BYTES_MAX)
            }
            Self::SetBanned { .. } | Self::DeleteSession(_) | Self::DeleteSessionsOf(_) => Ok(()),
        }
    }

    /// Makes it, within the transaction that this connection is in.
    pub(super) async fn make(
        &self,
        to: &mut Connection,
        dialect: Dialect,
    ) -> Result<Outcome, Fault> {
        let touched = self.execute(to, dialect).await?;
        if let Self::ChangePassword { user, kept, .. } = self
            && touched > 0
        {
            let others = "delete from downbeat_sessions where user_id = ? and token_hash <> ?";
            let others = row::dialect_of(others, dialect);
            let values = [user.as_str().into(), kept.as_slice().into()];
            to.execute(&others, &values).await?;
        }
        let Self::CreateAccount {
            account,
            name_key,
            session,
            ..
        } = self
        else {
            return Ok(Outcome::Done(touched));
        };
        // How many rows an insert touched that gave way is told differently by each database.
        let ours = row::dialect_of(row::ACCOUNT_BY_NAME, dialect);
        let rows = to.rows(&ours, &[name_key.as_str().into()], 2).await?;
        match rows.first().and_then(Account::read) {
            Some(there) if there.id == account.id => {
                if let Some(session) = session.clone().map(Self::SaveSession) {
                    session.execute(to, dialect).await?;
                }
                Ok(Outcome::Done(1))
            }
            Some(_) => Ok(Outcome::NameTaken),
            None => Err(Fault::NotNow("the account's number is taken".to_owned())),
        }
    }

    async fn execute(&self, to: &mut Connection, dialect: Dialect) -> Result<u64, Fault> {
        let sql = self.sql(dialect);
        let sql = row::dialect_of(&sql, dialect);
        to.execute(&sql, &self.values()).await
    }

    fn sql(&self, dialect: Dialect) -> String {
        let insert = |table, columns, key, updated| insert(dialect, table, columns, (key, updated));
        match self {
            Self::CreateAccount { .. } => {
                let columns = "id, name, name_key, password_hash, banned, created_at_s";
                insert("downbeat_accounts", columns, "", "")
            }
            Self::SetBanned { .. } => "update downbeat_accounts set banned = ? where id = ?".into(),
            Self::SetPasswordHash { .. } | Self::ChangePassword { .. } => {
                "update downbeat_accounts set password_hash = ? where id = ?".into()
            }
            Self::SaveSession(_) => {
                let columns = "token_hash, user_id, name, kind, created_at_s, expires_at_s";
                let updated = "user_id, name, kind, expires_at_s";
                insert("downbeat_sessions", columns, "token_hash", updated)
            }
            Self::DeleteSession(_) => "delete from downbeat_sessions where token_hash = ?".into(),
            Self::DeleteSessionsOf(_) => "delete from downbeat_sessions where user_id = ?".into(),
            Self::SaveProfile { .. } => {
                let columns = "user_id, game, profile, updated_at_s";
                let updated = "profile, updated_at_s";
                insert("downbeat_profiles", columns, "user_id, game", updated)
            }
            Self::Chat(_) => {
                let columns = "chat_key, room, user_id, name, line, at_ms";
                insert("downbeat_chat", columns, "", "")
            }
        }
    }

    /// In the order in which they stand in the statement.
    fn values(&self) -> Vec<Value> {
        let number = |id: &u64| Value::Int(i64::try_from(*id).unwrap_or(i64::MAX));
        let text = |text: &String| Value::Text(text.clone());
        match self {
            Self::CreateAccount {
                account,
                name_key,
                at_s,
                ..
            } => vec![
                number(&account.id),
                text(&account.name),
                text(name_key),
                text(&account.password_hash),
                Value::Int(0),
                Value::Int(*at_s),
            ],
            Self::SetBanned { id, banned } => vec![Value::Int(i64::from(*banned)), number(id)],
            Self::SetPasswordHash { id, hash } | Self::ChangePassword { id, hash, .. } => {
                vec![text(hash), number(id)]
            }
            Self::SaveSession(row) => vec![
                row.token_hash.as_slice().into(),
                text(&row.user),
                text(&row.name),
                text(&row.kind),
                Value::Int(row.created_at_s),
                Value::Int(row.expires_at_s),
            ],
            Self::DeleteSession(hash) => vec![hash.as_slice().into()],
            Self::DeleteSessionsOf(user) => vec![text(user)],
            Self::SaveProfile {
                user,
                game,
                profile,
                at_s,
            } => vec![text(user), text(game), text(profile), Value::Int(*at_s)],
            Self::Chat(line) => vec![
                text(&line.key),
                text(&line.room),
                text(&line.user),
                text(&line.name),
                text(&line.text),
                Value::Int(line.at_ms),
            ],
        }
    }
}

/// An insert that, where there is a row with this key already, updates these columns of it, or none.
fn insert(dialect: Dialect, table: &str, columns: &str, (key, updated): (&str, &str)) -> String {
    let marks = vec!["?"; columns.split(", ").count()].join(", ");
    let insert = format!("insert into {table} ({columns}) values ({marks})");
    let set = |new: fn(&str) -> String| {
        let sets = updated.split(", ").map(new);
        sets.collect::<Vec<_>>().join(", ")
    };
    match (dialect, updated) {
        // "insert ignore" would also ignore what does not fit.
        (Dialect::MySql, "") => {
            let first = columns.split(", ").next().unwrap_or_default();
            format!("{insert} on duplicate key update {first} = {first}")
        }
        (Dialect::MySql, _) => {
            let sets = set(|column| format!("{column} = values({column})"));
            format!("{insert} on duplicate key update {sets}")
        }
        (_, "") => format!("{insert} on conflict do nothing"),
        (_, _) => {
            let sets = set(|column| format!("{column} = excluded.{column}"));
            format!("{insert} on conflict ({key}) do update set {sets}")
        }
    }
}

//! What can go wrong between us and a database, sorted by what to do about it.

/// Why a statement did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is gone, was never made, or took too long.
    Lost(String),
    /// The database is there, but not now: locked, full, read-only, on its way down.
    NotNow(String),
    /// What was written breaks a rule of the data; it always will.
    Data(String),
    /// The statement is not one that this database understands; it never will be.
    Statement(String),
}

impl Fault {
    /// What took longer than it may.
    pub(crate) fn slow() -> Self {
        Self::Lost("no answer in time".to_owned())
    }

    /// Whether the same may succeed later.
    pub(crate) const fn passes(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::NotNow(_))
    }

    /// For logs: never what was written, never a password.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Lost(text) | Self::NotNow(text) | Self::Data(text) | Self::Statement(text) => {
                text
            }
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => of_database(&*error),
            sqlx::Error::PoolTimedOut => Self::Lost("no connection in time".to_owned()),
            sqlx::Error::Io(error) => Self::Lost(error.to_string()),
            sqlx::Error::Tls(error) => Self::Lost(error.to_string()),
            error @ (sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_)) => Self::Lost(error.to_string()),
            other => Self::Statement(other.to_string()),
        }
    }
}

fn of_database(error: &dyn sqlx::error::DatabaseError) -> Fault {
    let text = error.message().to_owned();
    let code = error.code().unwrap_or_default().into_owned();
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return of_mysql(error.number(), &code, text);
    }
    if error
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .is_some()
    {
        return of_class(&code, text);
    }
    of_sqlite(code.parse().unwrap_or(0), text)
}

/// SQLSTATE: its first two characters are the class.
fn of_class(code: &str, text: String) -> Fault {
    match code.get(..2).unwrap_or_default() {
        "22" | "23" => Fault::Data(format!("refused with code {code}")),
        "26" | "0A" | "42" | "21" => Fault::Statement(text),
        "08" | "57" => Fault::Lost(text),
        _ => Fault::NotNow(text),
    }
}

fn of_mysql(number: u16, code: &str, text: String) -> Fault {
    match number {
        // shut down, killed, gone
        1053 | 1152..=1161 | 1317 | 1927 | 2006 | 2013 => Fault::Lost(text),
        1021 | 1040 | 1041 | 1114 | 1203 | 1205 | 1213 | 1290 | 1792 | 1836 => Fault::NotNow(text),
        _ => of_class(code, text),
    }
}

fn of_sqlite(code: i32, text: String) -> Fault {
    // The low byte is the kind, the rest says more.
    match code & 0xff {
        18..=20 => Fault::Data(format!("refused with code {code}")),
        1 | 25 => Fault::Statement(text),
        _ => Fault::NotNow(text),
    }
}

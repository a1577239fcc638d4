//! Where a database is: its address, which has a password in it and so is not shown.

use std::fmt;

/// The address of a database. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

/// Which kind of database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
    MySql,
}

impl DatabaseUrl {
    /// `sqlite:` and a path, or `postgres://` or `mysql://` with user, password, host and name.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The address with everything in it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn dialect(&self) -> Option<Dialect> {
        match self.0.split_once(':')?.0 {
            "sqlite" => Some(Dialect::Sqlite),
            "postgres" | "postgresql" => Some(Dialect::Postgres),
            "mysql" | "mariadb" => Some(Dialect::MySql),
            _ => None,
        }
    }
}

impl Dialect {
    /// As people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.split_once(':').map_or("", |(scheme, _)| scheme);
        let place = match self.dialect() {
            Some(Dialect::Sqlite) => self.0.split_once(':').map_or("", |(_, path)| path),
            // What stands after the last @ is the host; a password may have one, too.
            Some(_) => self.0.rsplit_once('@').map_or("//…", |(_, host)| host),
            None => return f.write_str("(hidden)"),
        };
        write!(f, "{scheme}:{}", place.split('?').next().unwrap_or(place))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (url, shown) in [
            (
                "postgres://ann:s3cret@db.example:5432/game?x=s3cret",
                "postgres:db.example:5432/game",
            ),
            ("mysql://ann:s3c@ret@db/game", "mysql:db/game"),
            ("mysql://db/s3cret", "mysql://…"),
            ("sqlite:///var/lib/x.db?mode=ro", "sqlite:///var/lib/x.db"),
            ("s3cret", "(hidden)"),
            ("mongo:s3cret", "(hidden)"),
        ] {
            let url = DatabaseUrl::new(url);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
        }
    }
}

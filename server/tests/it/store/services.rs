//! The databases that the suite runs on: a file, and the servers that listen on this machine.
//!
//! `tests/run` starts them if nobody listens. Without one its tests say loudly that they did not
//! run; with `CI=true` they fail.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use downbeat_server::config::StoreConfig;
use downbeat_server::{DatabaseUrl, Store, StoreError};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
}

/// An empty database of its own, gone when this is dropped.
pub(crate) struct Fresh {
    pub(crate) kind: Kind,
    name: String,
    /// Where SQLite keeps its file.
    pub(crate) folder: TempDir,
}

impl Fresh {
    /// `None` if the server is not there, which was said aloud.
    pub(crate) async fn new(kind: Kind) -> Option<Self> {
        let name = format!("downbeat_test_{:016x}", random());
        let fresh = Self {
            kind,
            name,
            folder: TempDir::new().expect("a folder"),
        };
        if let Some(address) = kind.address() {
            if TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_err() {
                let text = format!("{kind:?} does not listen on {address}; tests/run starts it");
                assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
                eprintln(&text);
                return None;
            }
            fresh
                .statement(&format!("create database {}", fresh.name))
                .await;
        }
        Some(fresh)
    }

    /// Where it is, or, through this address, seems to be.
    pub(crate) fn url_at(&self, address: Option<SocketAddr>) -> DatabaseUrl {
        DatabaseUrl::new(self.address_at(address))
    }

    pub(crate) fn address_at(&self, address: Option<SocketAddr>) -> String {
        let name = &self.name;
        let address = address.or_else(|| self.kind.address());
        let at = address.map(|at| at.to_string()).unwrap_or_default();
        match self.kind {
            Kind::Sqlite => format!("sqlite:{}", self.folder.path().join("x.db").display()),
            Kind::Postgres => format!("postgres://postgres@{at}/{name}?sslmode=disable"),
            Kind::MariaDb => format!("mysql://root@{at}/{name}?ssl-mode=disabled"),
        }
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        self.url_at(None)
    }

    pub(crate) fn config(&self) -> StoreConfig {
        StoreConfig {
            url: Some(self.url()),
            ..StoreConfig::default()
        }
    }

    pub(crate) async fn store(&self) -> Store {
        self.store_with(&self.config()).await.expect("starts")
    }

    pub(crate) async fn store_with(&self, config: &StoreConfig) -> Result<Store, StoreError> {
        Store::start(config, None).await
    }

    /// Runs a statement of whoever administers the server.
    async fn statement(&self, sql: &str) {
        match self.kind {
            Kind::Sqlite => {}
            Kind::Postgres => {
                let url = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable";
                let link = sqlx::PgConnection::connect(url).await;
                let mut link = link.expect("postgres lets us in");
                link.execute(AssertSqlSafe(sql)).await.expect("done");
            }
            Kind::MariaDb => {
                let url = "mysql://root@127.0.0.1:3306/mysql?ssl-mode=disabled";
                let link = sqlx::MySqlConnection::connect(url).await;
                let mut link = link.expect("MariaDB lets us in");
                link.execute(AssertSqlSafe(sql)).await.expect("done");
            }
        }
    }

    /// Runs a statement in it, past the store.
    pub(crate) async fn run(&self, sql: &str) {
        let url = &self.address_at(None);
        let sql = AssertSqlSafe(sql);
        let done = match self.kind {
            Kind::Sqlite => sqlx::SqliteConnection::connect(url)
                .await
                .expect("open")
                .execute(sql)
                .await
                .map(|_| ()),
            Kind::Postgres => sqlx::PgConnection::connect(url)
                .await
                .expect("in")
                .execute(sql)
                .await
                .map(|_| ()),
            Kind::MariaDb => sqlx::MySqlConnection::connect(url)
                .await
                .expect("in")
                .execute(sql)
                .await
                .map(|_| ()),
        };
        done.expect("done");
    }

    /// Runs statements as another client of a server, whose transaction and locks last until this
    /// is dropped.
    pub(crate) async fn hold(&self, sql: &str) -> Box<dyn Send> {
        let url = &self.address_at(None);
        let sql = AssertSqlSafe(sql);
        match self.kind {
            Kind::Sqlite => unreachable!("a file has no other clients"),
            Kind::Postgres => {
                let mut link = sqlx::PgConnection::connect(url).await.expect("in");
                link.execute(sql).await.expect("done");
                Box::new(link)
            }
            Kind::MariaDb => {
                let mut link = sqlx::MySqlConnection::connect(url).await.expect("in");
                link.execute(sql).await.expect("done");
                Box::new(link)
            }
        }
    }

    /// The end of it.
    pub(crate) async fn drop(self) {
        let force = match self.kind {
            Kind::Postgres => " with (force)",
            _ => "",
        };
        let sql = format!("drop database if exists {}{force}", self.name);
        self.statement(&sql).await;
    }
}

impl Kind {
    pub(crate) fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(([127, 0, 0, 1], 5432).into()),
            Self::MariaDb => Some(([127, 0, 0, 1], 3306).into()),
        }
    }
}

/// Runs each of these checks on all databases, or on all `servers:`, as tests of their own.
macro_rules! on_all {
    ($($check:ident),* $(,)?) => {
        mod sqlite { use crate::store::services::on_all; $(on_all!(@one Sqlite $check);)* }
        mod postgres { use crate::store::services::on_all; $(on_all!(@one Postgres $check);)* }
        mod mariadb { use crate::store::services::on_all; $(on_all!(@one MariaDb $check);)* }
    };
    (servers: $($check:ident),* $(,)?) => {
        mod postgres { use crate::store::services::on_all; $(on_all!(@one Postgres $check);)* }
        mod mariadb { use crate::store::services::on_all; $(on_all!(@one MariaDb $check);)* }
    };
    (@one $kind:ident $check:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $check() {
            let kind = crate::store::services::Kind::$kind;
            let Some(fresh) = crate::store::services::Fresh::new(kind).await else { return };
            super::$check(&fresh).await;
            fresh.drop().await;
        }
    };
}
pub(crate) use on_all;

#[expect(clippy::print_stderr, reason = "what did not run is said aloud")]
fn eprintln(text: &str) {
    eprintln!("!!! SKIPPED: {text}");
}

pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one("fresh")
}

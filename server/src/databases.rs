//! Databases: SQLite, PostgreSQL, MySQL and MariaDB, through one small window.
//!
//! In: statements with bound values. Out: rows. Used by the store, and by a project for databases
//! of its own.

mod fault;
mod url;
mod value;
mod pool;
mod sqlite;
mod postgres;
mod mysql;
mod sql;
mod own;

pub(crate) use self::fault::Fault;
pub(crate) use self::own::Databases;
pub use self::own::{Database, DatabaseError, UnknownDatabase};
pub(crate) use self::pool::{Connection, Pool};
pub(crate) use self::sql::Named;
pub use self::url::DatabaseUrl;
pub(crate) use self::url::Dialect;
pub use self::value::{Row, Value};

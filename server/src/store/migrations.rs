//! How the store's tables come to be, in each dialect. A migration that was released is never
//! changed; a change is another migration.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::databases::{Dialect, Fault};

/// Apart from those of whoever shares the database.
pub(super) const TABLE: &str = "downbeat_migrations";

pub(super) fn migrator(dialect: Dialect) -> Migrator {
    let sql = match dialect {
        Dialect::Sqlite => include_str!("../../migrations/sqlite/0001_store.sql"),
        Dialect::Postgres => include_str!("../../migrations/postgres/0001_store.sql"),
        Dialect::MySql => include_str!("../../migrations/mysql/0001_store.sql"),
    };
    let name = Cow::Borrowed("store");
    let first = Migration::new(1, name, MigrationType::Simple, sql.into_sql_str(), false);
    let mut migrator = Migrator::with_migrations(vec![first]);
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

/// What to do about a migration that was not applied.
pub(crate) fn fault(error: MigrateError) -> Fault {
    match error {
        MigrateError::Execute(error) => again(error.into()),
        MigrateError::ExecuteMigration(error, version) => match again(error.into()) {
            Fault::Statement(text) => Fault::Statement(format!("migration {version}: {text}")),
            passing => passing,
        },
        MigrateError::VersionMissing(version) => Fault::Statement(format!(
            "migration {version} was applied by a newer version of this program"
        )),
        MigrateError::Dirty(version) => Fault::Statement(format!(
            "migration {version} was interrupted: finish by hand what it began and set success in \
             its row of _sqlx_migrations, or undo it and delete that row"
        )),
        other => Fault::Statement(other.to_string()),
    }
}

/// Where nothing keeps two processes apart, the slower one finds the row of the faster.
fn again(fault: Fault) -> Fault {
    match fault {
        Fault::Data(text) => Fault::NotNow(text),
        other => other,
    }
}

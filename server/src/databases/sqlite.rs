//! SQLite: values by what each cell says of itself.

use std::sync::Arc;

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Column as _, Row as _, TypeInfo as _, ValueRef as _};

use super::fault::Fault;
use super::value::{Row, Value};

pub(super) fn bind(values: &[Value]) -> Result<SqliteArguments, Fault> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Bool(yes) => arguments.add(*yes),
            Value::Int(int) => arguments.add(*int),
            Value::Float(float) => arguments.add(*float),
            Value::Text(text) => arguments.add(text.clone()),
            Value::Bytes(bytes) => arguments.add(bytes.clone()),
        };
        added.map_err(|error| Fault::Statement(error.to_string()))?;
    }
    Ok(arguments)
}

/// A row; what it has in common with the one before it is shared.
pub(super) fn row(row: &SqliteRow, before: Option<&Row>) -> Result<Row, Fault> {
    let columns = before.map(|row| Arc::clone(&row.columns));
    let columns = columns.unwrap_or_else(|| {
        let names = row.columns().iter();
        names.map(|column| column.name().to_owned()).collect()
    });
    let values = (0..row.len()).map(|at| {
        let value = row.try_get_raw(at)?;
        if value.is_null() {
            return Ok(Value::Null);
        }
        Ok(match value.type_info().name() {
            "INTEGER" => Value::Int(row.try_get_unchecked(at)?),
            "BOOLEAN" => Value::Bool(row.try_get_unchecked(at)?),
            "REAL" => Value::Float(row.try_get_unchecked(at)?),
            "BLOB" => Value::Bytes(row.try_get_unchecked(at)?),
            _ => Value::Text(row.try_get_unchecked(at)?),
        })
    });
    let values = values.collect::<Result<_, sqlx::Error>>()?;
    Ok(Row { columns, values })
}

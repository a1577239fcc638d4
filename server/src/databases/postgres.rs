//! PostgreSQL: values are bound as the type that the statement wants in their place.

use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, Either, Executor as _, Row as _, SqlSafeStr as _,
    Statement as _, TypeInfo as _, ValueRef as _,
};

use super::fault::Fault;
use super::value::{Row, Value};

/// The server says what each parameter is; a value that is none of that is a fault of the data.
pub(super) async fn bind(
    link: &mut PgConnection,
    sql: &str,
    values: &[Value],
) -> Result<PgArguments, Fault> {
    let mut arguments = PgArguments::default();
    if values.is_empty() {
        return Ok(arguments);
    }
    let sql = AssertSqlSafe(sql).into_sql_str();
    let statement = link.prepare(sql).await?;
    let types: Vec<String> = match statement.parameters() {
        Some(Either::Left(types)) => types.iter().map(|of| of.name().to_owned()).collect(),
        _ => Vec::new(),
    };
    if types.len() != values.len() {
        let text = format!("{} values for {} parameters", values.len(), types.len());
        return Err(Fault::Statement(text));
    }
    for (value, kind) in values.iter().zip(&types) {
        add(&mut arguments, value, kind)?;
    }
    Ok(arguments)
}

fn add(arguments: &mut PgArguments, value: &Value, kind: &str) -> Result<(), Fault> {
    let wrong = || Fault::Data(format!("a value is no {kind}"));
    let int = || match value {
        Value::Int(int) => Some(*int),
        Value::Bool(yes) => Some(i64::from(*yes)),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let float = || match value {
        #[expect(clippy::cast_precision_loss, reason = "what a float is")]
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let added = match (value, kind) {
        (Value::Null, _) => arguments.add(None::<String>),
        (_, "INT2") => {
            let int = int().and_then(|int| i16::try_from(int).ok());
            arguments.add(int.ok_or_else(wrong)?)
        }
        (_, "INT4") => {
            let int = int().and_then(|int| i32::try_from(int).ok());
            arguments.add(int.ok_or_else(wrong)?)
        }
        (_, "INT8") => arguments.add(int().ok_or_else(wrong)?),
        #[expect(clippy::cast_possible_truncation, reason = "what a shorter float is")]
        (_, "FLOAT4") => arguments.add(float().ok_or_else(wrong)? as f32),
        (_, "FLOAT8") => arguments.add(float().ok_or_else(wrong)?),
        (Value::Bool(yes), "BOOL") => arguments.add(*yes),
        (Value::Int(int), "BOOL") => arguments.add(*int != 0),
        (Value::Text(text), "BOOL") => arguments.add(text.parse::<bool>().map_err(|_| wrong())?),
        (Value::Bytes(bytes), "BYTEA") => arguments.add(bytes.as_slice()),
        (Value::Text(text), "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "JSON" | "UNKNOWN") => {
            arguments.add(text.as_str())
        }
        (Value::Int(int), "TEXT" | "VARCHAR") => arguments.add(int.to_string()),
        (Value::Float(float), "TEXT" | "VARCHAR") => arguments.add(float.to_string()),
        _ => {
            let text = format!("no value can be bound as {kind}: write $1::text::{kind}");
            return Err(Fault::Statement(text));
        }
    };
    added.map_err(|error| Fault::Statement(error.to_string()))
}

/// A row; what it has in common with the one before it is shared.
pub(super) fn row(row: &PgRow, before: Option<&Row>) -> Result<Row, Fault> {
    let columns = before.map(|row| Arc::clone(&row.columns));
    let columns = columns.unwrap_or_else(|| {
        let names = row.columns().iter();
        names.map(|column| column.name().to_owned()).collect()
    });
    let values = (0..row.len()).map(|at| value(row, at));
    let values = values.collect::<Result<_, Fault>>()?;
    Ok(Row { columns, values })
}

fn value(row: &PgRow, at: usize) -> Result<Value, Fault> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "BOOL" => Value::Bool(row.try_get_unchecked(at)?),
        "INT2" => Value::Int(i64::from(row.try_get_unchecked::<i16, _>(at)?)),
        "INT4" => Value::Int(i64::from(row.try_get_unchecked::<i32, _>(at)?)),
        "INT8" => Value::Int(row.try_get_unchecked(at)?),
        "FLOAT4" => Value::Float(f64::from(row.try_get_unchecked::<f32, _>(at)?)),
        "FLOAT8" => Value::Float(row.try_get_unchecked(at)?),
        "BYTEA" => Value::Bytes(row.try_get_unchecked(at)?),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "JSON" | "UNKNOWN" => {
            Value::Text(row.try_get_unchecked(at)?)
        }
        other => {
            let column = row.columns().get(at).map_or("", |column| column.name());
            let text = format!("column {column} is of type {other}: write {column}::text");
            return Err(Fault::Statement(text));
        }
    })
}

//! MySQL and MariaDB: values by the column's type, dates as text.

use std::sync::Arc;

use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::{Arguments as _, Column as _, Row as _, TypeInfo as _, ValueRef as _};

use super::fault::Fault;
use super::value::{Row, Value};

pub(super) fn bind(values: &[Value]) -> Result<MySqlArguments, Fault> {
    let mut arguments = MySqlArguments::default();
    for value in values {
        let added = match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Bool(yes) => arguments.add(*yes),
            Value::Int(int) => arguments.add(*int),
            Value::Float(float) => arguments.add(*float),
            Value::Text(text) => arguments.add(text.as_str()),
            Value::Bytes(bytes) => arguments.add(bytes.as_slice()),
        };
        added.map_err(|error| Fault::Statement(error.to_string()))?;
    }
    Ok(arguments)
}

/// A row; what it has in common with the one before it is shared.
pub(super) fn row(row: &MySqlRow, before: Option<&Row>) -> Result<Row, Fault> {
    let columns = before.map(|row| Arc::clone(&row.columns));
    let columns = columns.unwrap_or_else(|| {
        let names = row.columns().iter();
        names.map(|column| column.name().to_owned()).collect()
    });
    let values = (0..row.len()).map(|at| value(row, at));
    let values = values.collect::<Result<_, sqlx::Error>>()?;
    Ok(Row { columns, values })
}

fn value(row: &MySqlRow, at: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "INT" | "MEDIUMINT" | "BIGINT" => {
            Value::Int(row.try_get_unchecked(at)?)
        }
        "YEAR" | "BIT" => Value::Int(signed(row.try_get_unchecked(at)?)),
        kind if kind.ends_with("UNSIGNED") => Value::Int(signed(row.try_get_unchecked(at)?)),
        "FLOAT" => Value::Float(f64::from(row.try_get_unchecked::<f32, _>(at)?)),
        "DOUBLE" => Value::Float(row.try_get_unchecked(at)?),
        "DATE" | "DATETIME" | "TIMESTAMP" => {
            let bytes: &[u8] = row.try_get_unchecked(at)?;
            Value::Text(date(bytes).ok_or_else(|| sqlx::Error::Protocol("no date".into()))?)
        }
        "TIME" => {
            let bytes: &[u8] = row.try_get_unchecked(at)?;
            Value::Text(time(bytes).ok_or_else(|| sqlx::Error::Protocol("no time".into()))?)
        }
        // A column whose text is compared byte for byte is called binary as well.
        _ => {
            let bytes: Vec<u8> = row.try_get_unchecked(at)?;
            match String::from_utf8(bytes) {
                Ok(text) => Value::Text(text),
                Err(error) => Value::Bytes(error.into_bytes()),
            }
        }
    })
}

/// What is beyond the largest number stops there.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Source: the binary protocol: length, year, month, day, hour, minute, second, microseconds.
fn date(bytes: &[u8]) -> Option<String> {
    let [year_low, year_high, month, day, of_day @ ..] = bytes.get(1..)? else {
        return bytes.first().map(|_| "0000-00-00".to_owned());
    };
    let year = u16::from_le_bytes([*year_low, *year_high]);
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(match of_day {
        [] => date,
        [hour, minute, second] => format!("{date} {hour:02}:{minute:02}:{second:02}"),
        [hour, minute, second, micros @ ..] => {
            let micros = u32::from_le_bytes(micros.try_into().ok()?);
            format!("{date} {hour:02}:{minute:02}:{second:02}.{micros:06}")
        }
        _ => return None,
    })
}

/// Source: the binary protocol: length, sign, days, hour, minute, second, microseconds.
fn time(bytes: &[u8]) -> Option<String> {
    let [sign, a, b, c, d, hour, minute, second, micros @ ..] = bytes.get(1..)? else {
        return bytes.first().map(|_| "00:00:00".to_owned());
    };
    let hours = u32::from_le_bytes([*a, *b, *c, *d]) * 24 + u32::from(*hour);
    let sign = if *sign == 1 { "-" } else { "" };
    let time = format!("{sign}{hours:02}:{minute:02}:{second:02}");
    match micros {
        [] => Some(time),
        micros => {
            let micros = u32::from_le_bytes(micros.try_into().ok()?);
            Some(format!("{time}.{micros:06}"))
        }
    }
}

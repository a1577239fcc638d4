//! What goes into a database and comes out of it, whichever it is.

use std::sync::Arc;

use serde_json::Map;

/// A value of a row, or one that is bound to a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// One row of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub(super) columns: Arc<[String]>,
    pub(super) values: Vec<Value>,
}

impl Row {
    /// The names of its columns, in their order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Its values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The value of a column, if there is one of that name.
    pub fn value(&self, column: &str) -> Option<&Value> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.values.get(at)
    }

    /// The row as an object of JSON. Bytes become `\x` and hexadecimal digits, a number that JSON
    /// does not have becomes `null`.
    pub fn to_json(&self) -> Map<String, serde_json::Value> {
        let columns = self.columns.iter().cloned();
        columns
            .zip(self.values.iter().map(Value::to_json))
            .collect()
    }

    pub(crate) fn int(&self, at: usize) -> Option<i64> {
        match self.values.get(at)? {
            Value::Int(int) => Some(*int),
            Value::Bool(yes) => Some(i64::from(*yes)),
            _ => None,
        }
    }

    /// Text, also where the database calls a column of text bytes.
    pub(crate) fn text(&self, at: usize) -> Option<&str> {
        match self.values.get(at)? {
            Value::Text(text) => Some(text),
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Bytes, also where they happened to be text.
    pub(crate) fn bytes(&self, at: usize) -> Option<&[u8]> {
        match self.values.get(at)? {
            Value::Bytes(bytes) => Some(bytes),
            Value::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }
}

impl Value {
    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(yes) => (*yes).into(),
            Self::Int(int) => (*int).into(),
            Self::Float(float) => (*float).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Bytes(bytes) => {
                let digits = bytes.iter().flat_map(|byte| {
                    let digit = |of: u8| char::from_digit(u32::from(of), 16).unwrap_or('0');
                    [digit(byte >> 4), digit(byte & 15)]
                });
                let text: String = ['\\', 'x'].into_iter().chain(digits).collect();
                text.into()
            }
        }
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<i32> for Value {
    fn from(int: i32) -> Self {
        Self::Int(int.into())
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

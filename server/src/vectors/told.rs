//! State of a room or of a player in golden steps: whole at first, then what changes of it.

use downbeat::Replicate;
use serde_json::Value;

use super::VectorsError;

/// State that the file has told so far.
pub(super) struct Told<T> {
    name: &'static str,
    value: T,
}

impl<T: Replicate> Told<T> {
    pub(super) fn new(name: &'static str, value: &T) -> Self {
        Self {
            name,
            value: value.clone(),
        }
    }

    /// All fields.
    pub(super) fn all(&self) -> Result<Value, VectorsError> {
        serde_json::to_value(&self.value).map_err(|error| VectorsError::Json(self.name, error))
    }

    /// The fields that changed since the last call; what has no fields is told whole.
    pub(super) fn changed(&mut self, newest: &T) -> Result<Option<Value>, VectorsError> {
        let mask = self.value.absorb(newest);
        if mask == 0 {
            return Ok(None);
        }
        let mut all = self.all()?;
        if let Value::Object(fields) = &mut all {
            let names = T::FIELDS.iter().enumerate();
            let changed = names.filter(|(at, _)| mask >> at & 1 == 1);
            let changed: Vec<_> = changed.map(|(_, field)| field.name).collect();
            fields.retain(|name, _| changed.contains(&name.as_str()));
        }
        Ok(Some(all))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Replicate)]
    struct Score {
        name: String,
        points: u8,
    }

    #[test]
    fn only_fields_that_changed_are_told_and_nothing_where_none_did() {
        let score = |name: &str, points| Score {
            name: name.into(),
            points,
        };
        let mut told = Told::new("score", &score("Ada", 1));
        let all = json!({ "name": "Ada", "points": 1 });
        assert_eq!(told.all().expect("plain"), all);
        let mut changed = |newest| told.changed(&newest).expect("plain");
        assert_eq!(changed(score("Ada", 1)), None);
        assert_eq!(changed(score("Ada", 2)), Some(json!({ "points": 2 })));
        assert_eq!(changed(score("Bob", 2)), Some(json!({ "name": "Bob" })));
        assert_eq!(Told::new("nothing", &()).changed(&()).expect("plain"), None);
    }
}

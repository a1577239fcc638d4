//! What a peer is told in JSON. In: a view and what changed in it. Out: a text.

use downbeat::client::{Changes, View};
use downbeat::schema::{Role, Schema};
use downbeat::wire::{Pong, Welcome};
use downbeat::{Field, FieldKind, Game, Replicate};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What the fields of a game's replicated types are called in JSON, in the order of their bits.
#[derive(Debug)]
pub(crate) struct FieldNames {
    entity: Vec<String>,
    shared: Vec<String>,
    private: Vec<String>,
}

impl FieldNames {
    /// Those of a game; as they are called in Rust where its types cannot be described.
    pub(crate) fn of<G: Game>(schema: Option<&Schema>) -> Self {
        let names = |role, fields: &[Field]| match schema {
            Some(schema) => schema
                .field_names(role)
                .into_iter()
                .map(Into::into)
                .collect(),
            None => fields.iter().map(|field| field.name.into()).collect(),
        };
        Self {
            entity: names(Role::Entity, G::Entity::FIELDS),
            shared: names(Role::Shared, G::Shared::FIELDS),
            private: names(Role::Private, G::Private::FIELDS),
        }
    }
}

pub(super) fn welcome(welcome: &Welcome) -> String {
    typed("welcome", value(welcome))
}

pub(super) fn pong(pong: &Pong) -> String {
    typed("pong", value(pong))
}

/// What is new in a view since the last call, with its events.
pub(super) fn frame<G: Game>(view: &mut View<G>, names: &FieldNames) -> String {
    let mut changes = view.take_changes();
    let events: Vec<_> = view.events.drain(..).map(|event| value(&event)).collect();
    let refused = std::mem::take(&mut view.refused);
    let mut told = json!({
        "type": "frame",
        "tick": view.tick.number(),
        "due": view.due,
        "input_ack": view.input_ack,
        "lead": view.lead_ms,
        "reset": changes.reset,
        "removed": std::mem::take(&mut changes.removed),
        "entities": entities(view, &changes, names),
        "shared": fields(&view.shared, changes.shared, &names.shared),
        "private": fields(&view.private, changes.private, &names.private),
        "events": events,
        "refused": refused,
    });
    if changes.seat || changes.reset {
        told["seat"] = value(&view.seat);
    }
    told.to_string()
}

fn entities<G: Game>(view: &View<G>, changes: &Changes, names: &FieldNames) -> Value {
    let added = changes.added.iter().map(|&id| (id, u64::MAX));
    // What cells round, the member's own entity is told by itself, exactly.
    let exact = (0..).zip(G::Entity::FIELDS).map(|(bit, field)| {
        let is_rounded = field.kind != FieldKind::Plain;
        u64::from(is_rounded) << bit
    });
    let exact = exact.fold(0, |mask, bit| mask | bit);
    let own = view.avatar().filter(|_| changes.own);
    let own = own.map(|(id, _)| (id, exact));
    let changed = changes.changed.iter().copied();
    let mut all = Map::new();
    for (id, mask) in changed.chain(added).chain(own) {
        // What came and went within a tick, or is gone since, is nothing to tell.
        let Some(entity) = view.entities.get(&id) else {
            continue;
        };
        let new = fields(entity, mask, &names.entity);
        match (all.get_mut(&id.to_string()), new) {
            (Some(Value::Object(told)), Value::Object(new)) => told.extend(new),
            (_, new) => {
                all.insert(id.to_string(), new);
            }
        }
    }
    Value::Object(all)
}

/// The fields of a mask by their names; a value that has no fields is called `value`.
fn fields<T: Serialize>(whole: &T, mask: u64, names: &[String]) -> Value {
    if mask == 0 || names.is_empty() {
        return Value::Object(Map::new());
    }
    match value(whole) {
        Value::Object(mut all) if names.iter().any(|name| all.contains_key(name)) => {
            let is_changed = |at: usize| at >= 64 || mask >> at & 1 == 1;
            let named = names.iter().enumerate().filter(|&(at, _)| is_changed(at));
            let picked = named.filter_map(|(_, name)| all.remove_entry(name));
            Value::Object(picked.collect())
        }
        other => json!({ "value": other }),
    }
}

/// A value as serde writes it; null where JSON cannot (a key that is no text).
fn value<T: Serialize>(of: &T) -> Value {
    serde_json::to_value(of).unwrap_or_else(|error| {
        tracing::debug!(%error, "a value cannot be written as JSON");
        Value::Null
    })
}

fn typed(name: &str, mut of: Value) -> String {
    of["type"] = name.into();
    of.to_string()
}

//! `Schema`: what the types of a game look like on the wire, so that two programs can tell whether
//! they mean the same bytes, and clients in other languages can be written by a program.
//!
//! In: the types of a [`Game`]. Out: their shapes, a text that says all that changes bytes or
//! names, and its hash. How a type is looked into is `trace`'s business; nothing here knows of
//! TypeScript.

use std::fmt::{self, Write as _};

use crate::game::Game;
use crate::replicate::{Field, FieldKind, Replicate, SeenBy};
use crate::wire::SUBPROTOCOL;

mod trace;

use trace::Tracer;

pub use trace::Why;

/// What a game's types are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// [`Game::Input`].
    Input,
    /// [`Game::Entity`].
    Entity,
    /// [`Game::Shared`].
    Shared,
    /// [`Game::Private`].
    Private,
    /// [`Game::Event`].
    Event,
}

impl Role {
    /// All of them, in the order of the schema's text.
    pub const ALL: [Self; 5] = [
        Self::Input,
        Self::Entity,
        Self::Shared,
        Self::Private,
        Self::Event,
    ];

    /// Its word in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Entity => "entity",
            Self::Shared => "shared",
            Self::Private => "private",
            Self::Event => "event",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Scalar {
    Unit,
    Bool,
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
    Char,
    Str,
    /// Two `f32` called x and y.
    Vec2,
}

impl Scalar {
    /// Its word in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Char => "char",
            Self::Str => "str",
            Self::Vec2 => "vec2",
        }
    }
}

/// What a value looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A value without parts.
    Scalar(Scalar),
    /// One or none.
    Option(Box<Self>),
    /// Any number of values.
    List(Box<Self>),
    /// Pairs of key and value.
    Map(Box<Self>, Box<Self>),
    /// A tuple, an array, or a struct without names.
    Tuple(Vec<Self>),
    /// A struct with names or an enum: the index of one of [`Schema::types`].
    Type(usize),
}

/// A name and what goes by it.
pub type Named<T> = (String, T);

/// A struct with names or an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// What it is called, without its path; others may be called the same.
    pub name: String,
    /// What it is made of.
    pub body: Body,
}

/// What a type is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Fields, in the order of the wire.
    Struct(Vec<Named<Shape>>),
    /// Variants, in the order of their indices.
    Enum(Vec<Named<Variant>>),
}

/// What a variant carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Nothing.
    Unit,
    /// One value, or several as a tuple.
    Value(Shape),
    /// Fields with names.
    Struct(Vec<Named<Shape>>),
}

/// The type of a role.
#[derive(Clone, Debug, PartialEq)]
pub enum Root {
    /// Always written whole.
    Whole(Shape),
    /// Replicated field by field.
    Fields {
        /// The type; one of [`Schema::types`].
        of: usize,
        /// The fields, in the order of their bits.
        fields: Vec<RootField>,
    },
}

/// A field that is replicated by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct RootField {
    /// What clients call it.
    pub name: String,
    /// Its type.
    pub shape: Shape,
    /// How it is written, and to whom.
    pub field: Field,
}

/// Why a game's types cannot be described.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {role} type cannot be described: {why}")]
pub struct SchemaError {
    /// Which of them.
    pub role: Role,
    /// Why.
    pub why: Why,
}

/// What the types of a game look like on the wire.
///
/// Source: PROTOCOL.md § Schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    types: Vec<Type>,
    roots: Vec<Root>,
}

impl Schema {
    /// The schema of a game, found out by having its types read made-up values.
    ///
    /// # Errors
    /// If a type refuses all values that it is offered, panics over them, contains itself, is not
    /// written as it is read, or needs names to be read.
    pub fn of<G: Game>() -> Result<Self, SchemaError> {
        let mut tracer = Tracer::default();
        let mut roots = Vec::new();
        for role in Role::ALL {
            let root = match role {
                Role::Input => tracer.whole::<G::Input>(),
                Role::Entity => tracer.replicated::<G::Entity>(),
                Role::Shared => tracer.replicated::<G::Shared>(),
                Role::Private => tracer.replicated::<G::Private>(),
                Role::Event => tracer.whole::<G::Event>(),
            };
            roots.push(root.map_err(|why| SchemaError { role, why })?);
        }
        let types = tracer.into_types();
        let schema = Self { types, roots };
        Ok(schema)
    }

    /// The hash of a game's schema; `None` if it has none.
    pub fn hash_of<G: Game>() -> Option<u32> {
        Self::of::<G>().ok().map(|schema| schema.hash())
    }

    /// The structs with names and the enums, in the order in which they were met.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    /// The type of a role.
    pub fn root(&self, role: Role) -> &Root {
        &self.roots[role as usize]
    }

    /// What clients call the fields of a replicated type, in the order of their bits.
    pub fn field_names(&self, role: Role) -> Vec<&str> {
        match self.root(role) {
            Root::Whole(Shape::Scalar(Scalar::Unit)) => Vec::new(),
            Root::Whole(_) => vec!["value"],
            Root::Fields { fields, .. } => fields.iter().map(|f| &*f.name).collect(),
        }
    }

    /// All that changes bytes or names, in one form.
    ///
    /// Source: PROTOCOL.md § Schema.
    pub fn text(&self) -> String {
        let mut text = format!("{SUBPROTOCOL}\n");
        for role in Role::ALL {
            text.push_str(role.name());
            text.push(' ');
            match self.root(role) {
                Root::Whole(shape) => self.write(&mut text, shape),
                Root::Fields { fields, .. } => {
                    text.push_str("fields");
                    write_named(&mut text, fields, |text, field| {
                        write_kind(text, &field.field);
                        self.write(text, &field.shape);
                    });
                }
            }
            text.push('\n');
        }
        text
    }

    /// What tells this schema from others; never 0.
    ///
    /// Source: FNV-1a of 32 bits over [`Schema::text`].
    pub fn hash(&self) -> u32 {
        let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        self.text().bytes().fold(0x811c_9dc5, step).max(1)
    }

    fn write(&self, text: &mut String, shape: &Shape) {
        match shape {
            Shape::Scalar(scalar) => text.push_str(scalar.name()),
            Shape::Option(some) => {
                text.push_str("option<");
                self.write(text, some);
                text.push('>');
            }
            Shape::List(item) => {
                text.push_str("list<");
                self.write(text, item);
                text.push('>');
            }
            Shape::Map(key, value) => {
                text.push_str("map<");
                self.write(text, key);
                text.push(',');
                self.write(text, value);
                text.push('>');
            }
            Shape::Tuple(parts) => {
                text.push('(');
                for (at, part) in parts.iter().enumerate() {
                    text.push_str(if at == 0 { "" } else { "," });
                    self.write(text, part);
                }
                text.push(')');
            }
            Shape::Type(index) => match &self.types[*index].body {
                Body::Struct(fields) => self.write_fields(text, fields),
                Body::Enum(variants) => {
                    text.push_str("enum");
                    write_named(text, variants, |text, (_, variant)| match variant {
                        Variant::Unit => text.push_str("unit"),
                        Variant::Value(shape) => self.write(text, shape),
                        Variant::Struct(fields) => self.write_fields(text, fields),
                    });
                }
            },
        }
    }

    fn write_fields(&self, text: &mut String, fields: &[Named<Shape>]) {
        write_named(text, fields, |text, (_, shape)| self.write(text, shape));
    }
}

/// What has a name in the schema's text.
trait HasName {
    fn name(&self) -> &str;
}

impl<T> HasName for Named<T> {
    fn name(&self) -> &str {
        &self.0
    }
}

impl HasName for RootField {
    fn name(&self) -> &str {
        &self.name
    }
}

fn write_named<T: HasName>(text: &mut String, all: &[T], write: impl Fn(&mut String, &T)) {
    text.push('{');
    for (at, named) in all.iter().enumerate() {
        text.push_str(if at == 0 { "" } else { "," });
        let name = named.name();
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !name.is_empty() && name.bytes().all(is_word) {
            text.push_str(name);
        } else {
            // A name that serde was told to use could be any text, also one that looks like this.
            text.push('"');
            for c in name.chars() {
                text.push_str(if matches!(c, '"' | '\\') { "\\" } else { "" });
                text.push(c);
            }
            text.push('"');
        }
        text.push(':');
        write(text, named);
    }
    text.push('}');
}

fn write_kind(text: &mut String, field: &Field) {
    text.push_str(match field.seen_by {
        SeenBy::All => "",
        SeenBy::Team => "team ",
        SeenBy::Owner => "owner ",
    });
    let written = match field.kind {
        FieldKind::Plain => Ok(()),
        FieldKind::Position => text.write_str("position "),
        FieldKind::Heading => text.write_str("heading "),
        FieldKind::Quantised { min, max, step } => {
            write!(text, "quantised({min},{max},{step}) ")
        }
    };
    written.expect("a string takes everything");
}

/// Whether a replicated type goes field by field: the names that clients use, if so.
fn fields_of<T: Replicate>(
    root: &Shape,
    types: &[Type],
) -> Result<Option<(usize, Vec<RootField>)>, Why> {
    let fields = match root {
        Shape::Type(of) => match &types[*of].body {
            Body::Struct(fields) => Some((*of, fields)),
            Body::Enum(_) => None,
        },
        _ => None,
    };
    let Some((of, fields)) = fields else {
        let is_whole = T::FIELDS.iter().all(|field| field.name == "value") && T::FIELDS.len() < 2;
        return if is_whole {
            Ok(None)
        } else {
            Err(Why::OtherFields)
        };
    };
    if fields.len() != T::FIELDS.len() {
        return Err(Why::OtherFields);
    }
    let pairs = fields.iter().zip(T::FIELDS);
    let roots = pairs.map(|((name, shape), &field)| {
        let fits = match (field.kind, shape) {
            (FieldKind::Plain, _)
            | (FieldKind::Position, Shape::Scalar(Scalar::Vec2))
            | (FieldKind::Heading, Shape::Scalar(Scalar::U8 | Scalar::F32))
            | (FieldKind::Quantised { .. }, Shape::Scalar(Scalar::F32)) => true,
            (FieldKind::Position | FieldKind::Heading | FieldKind::Quantised { .. }, _) => false,
        };
        let root = RootField {
            name: name.clone(),
            shape: shape.clone(),
            field,
        };
        fits.then_some(root).ok_or(Why::OtherFields)
    });
    Ok(Some((of, roots.collect::<Result<_, _>>()?)))
}

#[cfg(test)]
mod tests;

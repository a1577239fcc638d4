//! Types for clients: from a game's schema to a module of codecs, in TypeScript or plain
//! JavaScript.
//!
//! In: a [`Schema`]. Out: source text against the combinators of `@downbeat/client`. The same
//! schema always gives the same text, whatever the paths of the Rust types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use downbeat::schema::{Body, Named, Role, Root, RootField, Scalar, Schema, Shape, Variant};
use downbeat::{FieldKind, SchemaError, SeenBy};

use crate::registry::Definition;

mod words;

pub(crate) use words::constant;
use words::{is_reserved, key, quoted};

/// What `downbeat types` is told.
#[derive(clap::Args, Debug)]
pub(crate) struct TypesOptions {
    /// The folder to write into; made if missing
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Only this game [default: all of them]
    #[arg(long, value_name = "NAME")]
    pub(crate) game: Option<String>,
}

/// What a module is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    TypeScript,
    JavaScript,
}

/// Why there is no module for a game.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TypesError {
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error("the {0} type holds {1}, which JavaScript has no counterpart for")]
    NoCounterpart(Role, &'static str),
    #[error(
        "the {0} type has a field or variant called {1:?}, which cannot be a key in JavaScript"
    )]
    BadKey(Role, String),
    #[error(
        "the {0} type has a variant {1} with a field called \"type\", where the variant's name goes"
    )]
    HidesType(Role, String),
}

/// Why `downbeat types` wrote nothing.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub(crate) struct WriteError {
    path: PathBuf,
    source: std::io::Error,
}

/// What became of some games.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) files: Vec<PathBuf>,
    /// Which games have no module, and why.
    pub(crate) refused: Vec<(String, TypesError)>,
}

/// Writes a TypeScript module for each of these games.
pub(crate) fn write<'a>(
    games: impl Iterator<Item = &'a dyn Definition>,
    out: &Path,
) -> Result<Written, WriteError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| WriteError { path, source }
    };
    std::fs::create_dir_all(out).map_err(failed(out))?;
    let mut written = Written::default();
    for game in games {
        match source_of(game, Language::TypeScript) {
            Ok(source) => {
                let path = out.join(format!("{}.ts", game.name()));
                std::fs::write(&path, source).map_err(failed(&path))?;
                written.files.push(path);
            }
            Err(error) => written.refused.push((game.name().to_owned(), error)),
        }
    }
    Ok(written)
}

/// The module of a game.
pub(crate) fn source_of(game: &dyn Definition, language: Language) -> Result<String, TypesError> {
    module(&game.schema()?, game.name(), language)
}

/// The module of a game with this schema.
pub(crate) fn module(
    schema: &Schema,
    game: &str,
    language: Language,
) -> Result<String, TypesError> {
    let mut writer = Writer {
        schema,
        role: Role::Input,
        names: BTreeMap::new(),
        taken: Role::ALL.map(export).map(ToOwned::to_owned).into(),
        imports: BTreeSet::from(["defineGame"]),
        declared: Vec::new(),
    };
    for role in Role::ALL {
        writer.role = role;
        writer.declare_root()?;
    }
    Ok(writer.finish(game, language))
}

/// What a role's type is exported as.
const fn export(role: Role) -> &'static str {
    match role {
        Role::Input => "Input",
        Role::Entity => "Entity",
        Role::Shared => "Shared",
        Role::Private => "Private",
        Role::Event => "Event",
    }
}

struct Writer<'s> {
    schema: &'s Schema,
    /// Whose type is being written.
    role: Role,
    /// What types are called that have been declared, by their index.
    names: BTreeMap<usize, String>,
    taken: BTreeSet<String>,
    imports: BTreeSet<&'static str>,
    /// Names and codecs, each after those that it uses.
    declared: Vec<(String, String)>,
}

impl Writer<'_> {
    fn declare_root(&mut self) -> Result<(), TypesError> {
        let name = export(self.role).to_owned();
        let codec = match self.schema.root(self.role) {
            Root::Fields { fields, .. } => self.replicated(fields)?,
            Root::Whole(Shape::Type(index)) if !self.names.contains_key(index) => {
                let codec = self.body(*index)?;
                self.names.insert(*index, name.clone());
                codec
            }
            Root::Whole(shape) => self.codec(shape)?,
        };
        self.declared.push((name, codec));
        Ok(())
    }

    fn import(&mut self, name: &'static str) -> String {
        self.imports.insert(name);
        name.to_owned()
    }

    fn codec(&mut self, shape: &Shape) -> Result<String, TypesError> {
        let u8s = Shape::Scalar(Scalar::U8);
        Ok(match shape {
            Shape::Scalar(Scalar::U128 | Scalar::I128 | Scalar::Char) => {
                let Shape::Scalar(scalar) = shape else {
                    unreachable!("a scalar was matched");
                };
                return Err(TypesError::NoCounterpart(self.role, scalar.name()));
            }
            Shape::Scalar(scalar) => self.import(scalar.name()),
            Shape::Option(some) => {
                if matches!(**some, Shape::Option(_) | Shape::Scalar(Scalar::Unit)) {
                    let what = "an option whose contents look like none";
                    return Err(TypesError::NoCounterpart(self.role, what));
                }
                let some = self.codec(some)?;
                format!("{}({some})", self.import("option"))
            }
            Shape::List(item) if **item == u8s => self.import("bytes"),
            Shape::List(item) => {
                let item = self.codec(item)?;
                format!("{}({item})", self.import("list"))
            }
            Shape::Map(key, value) => {
                let (key, value) = (self.codec(key)?, self.codec(value)?);
                let (list, tuple) = (self.import("list"), self.import("tuple"));
                format!("{list}({tuple}({key}, {value}))")
            }
            Shape::Tuple(parts) => {
                let parts: Result<Vec<_>, _> = parts.iter().map(|part| self.codec(part)).collect();
                format!("{}({})", self.import("tuple"), parts?.join(", "))
            }
            Shape::Type(index) => self.named(*index)?,
        })
    }

    /// A type by its name, declared if it is not yet.
    fn named(&mut self, index: usize) -> Result<String, TypesError> {
        if let Some(name) = self.names.get(&index) {
            return Ok(name.clone());
        }
        let codec = self.body(index)?;
        let plain = words::type_name(&self.schema.types()[index].name);
        // Two Rust types that are the same but for their path are one here.
        let same = self.declared.iter().find(|(name, other)| {
            let number = name.strip_prefix(&plain);
            *other == codec && number.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
        });
        let name = match same {
            Some((name, _)) => name.clone(),
            None => {
                let numbered = (2..).map(|number| format!("{plain}{number}"));
                let mut names = std::iter::once(plain.clone()).chain(numbered);
                let name = names.find(|name| !is_reserved(name) && !self.taken.contains(name));
                let name = name.expect("there is always another number");
                self.taken.insert(name.clone());
                self.declared.push((name.clone(), codec));
                name
            }
        };
        self.names.insert(index, name.clone());
        Ok(name)
    }

    fn body(&mut self, index: usize) -> Result<String, TypesError> {
        match &self.schema.types()[index].body {
            Body::Struct(fields) => self.fields(fields),
            Body::Enum(all) => {
                if all.iter().all(|(_, variant)| *variant == Variant::Unit) {
                    let names: Vec<_> = all.iter().map(|(name, _)| quoted(name)).collect();
                    return Ok(format!("{}({})", self.import("names"), names.join(", ")));
                }
                let mut entries = Vec::new();
                for (name, variant) in all {
                    let codec = match variant {
                        Variant::Unit => self.import("unit"),
                        Variant::Value(shape) => {
                            if let Shape::Type(index) = shape
                                && let Body::Struct(fields) = &self.schema.types()[*index].body
                            {
                                self.check_variant(name, fields)?;
                            }
                            self.codec(shape)?
                        }
                        Variant::Struct(fields) => {
                            self.check_variant(name, fields)?;
                            self.fields(fields)?
                        }
                    };
                    entries.push((self.key(name)?, codec));
                }
                Ok(object(&self.import("variants"), &entries))
            }
        }
    }

    /// The fields of a variant stand beside its name, which is called `type`.
    fn check_variant(&self, name: &str, fields: &[Named<Shape>]) -> Result<(), TypesError> {
        if fields.iter().any(|(field, _)| field == "type") {
            return Err(TypesError::HidesType(self.role, name.to_owned()));
        }
        Ok(())
    }

    fn fields(&mut self, fields: &[Named<Shape>]) -> Result<String, TypesError> {
        let mut entries = Vec::new();
        for (name, shape) in fields {
            entries.push((self.key(name)?, self.codec(shape)?));
        }
        Ok(object(&self.import("struct"), &entries))
    }

    fn replicated(&mut self, fields: &[RootField]) -> Result<String, TypesError> {
        let mut entries = Vec::new();
        for RootField { name, shape, field } in fields {
            let codec = match field.kind {
                FieldKind::Plain => self.codec(shape)?,
                FieldKind::Position => format!("{}()", self.import("position")),
                FieldKind::Heading if *shape == Shape::Scalar(Scalar::F32) => {
                    format!("{}()", self.import("headingRadians"))
                }
                FieldKind::Heading => format!("{}()", self.import("heading")),
                FieldKind::Quantised { min, max, step } => {
                    format!("{}({min}, {max}, {step})", self.import("quantised"))
                }
            };
            let codec = match field.seen_by {
                SeenBy::All => codec,
                SeenBy::Team => format!("{}({codec})", self.import("team")),
                SeenBy::Owner => format!("{}({codec})", self.import("owner")),
            };
            entries.push((self.key(name)?, codec));
        }
        Ok(object(&self.import("replicated"), &entries))
    }

    fn key(&self, name: &str) -> Result<String, TypesError> {
        key(name).ok_or_else(|| TypesError::BadKey(self.role, name.to_owned()))
    }

    fn finish(self, game: &str, language: Language) -> String {
        let is_typed = language == Language::TypeScript;
        let mut imports: Vec<_> = self.imports.into_iter().collect();
        if is_typed {
            imports.push("type Infer");
        }
        let from = if is_typed {
            "@downbeat/client"
        } else {
            "/downbeat/client.js"
        };
        let mut text = format!(
            "// The types of the game `{game}`, generated from the Rust types: do not edit.\n\
             import {{ {} }} from '{from}';\n",
            imports.join(", ")
        );
        let mut put = |line: std::fmt::Arguments<'_>| {
            text.write_fmt(line).expect("a string takes everything");
        };
        for (name, codec) in &self.declared {
            put(format_args!("\nexport const {name} = {codec};\n"));
            if is_typed {
                put(format_args!("export type {name} = Infer<typeof {name}>;\n"));
            }
        }
        let mut entries = vec![
            ("name".to_owned(), quoted(game)),
            ("schema".to_owned(), format!("0x{:08x}", self.schema.hash())),
        ];
        entries.extend(Role::ALL.map(|role| (role.name().to_owned(), export(role).to_owned())));
        let call = object("defineGame", &entries);
        put(format_args!(
            "\nexport const {} = {call};\n",
            constant(game)
        ));
        text
    }
}

/// A call with an object, on one line if it is short.
fn object(call: &str, entries: &[(String, String)]) -> String {
    let entries: Vec<_> = entries.iter().map(|(k, v)| format!("{k}: {v}")).collect();
    let line = entries.join(", ");
    if entries.is_empty() {
        format!("{call}({{}})")
    } else if line.len() <= 80 && !line.contains('\n') {
        format!("{call}({{ {line} }})")
    } else {
        let lines = entries.iter().map(|entry| entry.replace('\n', "\n  "));
        let lines: String = lines.map(|entry| format!("  {entry},\n")).collect();
        format!("{call}({{\n{lines}}})")
    }
}

#[cfg(test)]
mod tests;

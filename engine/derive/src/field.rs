//! One field of a replicated struct: what its attributes say, and what that means for its bytes.
//!
//! In: a field. Out: the pieces of code that `replicate` puts together, or what is wrong with it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, Expr, ExprRange, Ident, Lit, RangeLimits, UnOp};

/// Steps that an `f32` can count.
const STEPS_MAX: f64 = 16_777_216.0;

/// How a field is written.
pub(crate) enum Kind {
    Plain,
    Position,
    Heading,
    Quantised(Box<Steps>),
}

/// A range and its step.
pub(crate) struct Steps {
    min: Expr,
    max: Expr,
    step: Expr,
}

impl Steps {
    /// As `quantise` and `unquantise` take them.
    fn arguments(&self) -> TokenStream {
        let Self { min, max, step } = self;
        quote!(#min, #max, #step)
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum SeenBy {
    All,
    Team,
    Owner,
}

/// A field and what its attributes say.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) ty: syn::Type,
    pub(crate) kind: Kind,
    seen_by: SeenBy,
}

/// The words of a field's attributes.
#[derive(Default)]
struct Words {
    place: Option<Kind>,
    seen_by: Option<SeenBy>,
    range: Option<ExprRange>,
    step: Option<Expr>,
}

impl Words {
    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<(), Error> {
        let is = |word| meta.path.is_ident(word);
        if is("position") || is("heading") {
            let kind = if is("position") {
                Kind::Position
            } else {
                Kind::Heading
            };
            once(
                meta,
                &mut self.place,
                kind,
                "a field is a position or a heading, and says so once",
            )
        } else if is("team") || is("private") {
            let seen_by = if is("team") {
                SeenBy::Team
            } else {
                SeenBy::Owner
            };
            let what = "a field is for the team or for its owner alone, and the owner sees what \
                        its team sees";
            once(meta, &mut self.seen_by, seen_by, what)
        } else if is("range") {
            let range = meta.value()?.parse()?;
            once(meta, &mut self.range, range, "a field has one range")
        } else if is("step") {
            let step = meta.value()?.parse()?;
            once(meta, &mut self.step, step, "a field has one step")
        } else {
            Err(meta.error(
                "expected `position`, `heading`, `range = a..=b`, `step = s`, `team` or `private`",
            ))
        }
    }

    fn kind(self, field: &Ident) -> Result<Kind, Error> {
        match (self.range, self.step, self.place) {
            (None, None, place) => Ok(place.unwrap_or(Kind::Plain)),
            (Some(range), Some(step), None) => quantised(range, step),
            (Some(_), Some(_), Some(_)) => Err(Error::new_spanned(
                field,
                "a position or a heading has its own steps: 1/64 m, 1/256 turn",
            )),
            _ => Err(Error::new_spanned(
                field,
                "`range` and `step` go together: `range = 0.0..=100.0, step = 0.5`",
            )),
        }
    }
}

fn once<T>(
    meta: &ParseNestedMeta<'_>,
    place: &mut Option<T>,
    value: T,
    twice: &str,
) -> Result<(), Error> {
    match place.replace(value) {
        Some(_) => Err(meta.error(twice)),
        None => Ok(()),
    }
}

/// A range and its step, which are refused here where they are plain numbers that make no sense.
fn quantised(range: ExprRange, step: Expr) -> Result<Kind, Error> {
    let whole = range.clone();
    let (Some(min), RangeLimits::Closed(_), Some(max)) = (range.start, range.limits, range.end)
    else {
        let what = "a range has two ends, and both belong to it: `range = 0.0..=100.0`";
        return Err(Error::new_spanned(whole, what));
    };
    let numbers = (number(&min), number(&max), number(&step));
    if let (Some(from), Some(to), _) = numbers
        && from >= to
    {
        return Err(Error::new_spanned(whole, "a range grows"));
    }
    if numbers.2.is_some_and(|step| step <= 0.0) {
        return Err(Error::new_spanned(step, "a step is above 0"));
    }
    if let (Some(from), Some(to), Some(by)) = numbers
        && (to - from) / by > STEPS_MAX
    {
        let what = "a range has at most 16,777,216 steps; for more leave both out";
        return Err(Error::new_spanned(step, what));
    }
    let (min, max) = (*min, *max);
    Ok(Kind::Quantised(Box::new(Steps { min, max, step })))
}

/// What a literal says.
fn number(of: &Expr) -> Option<f64> {
    match of {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Float(number) => number.base10_parse().ok(),
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(minus) if matches!(minus.op, UnOp::Neg(_)) => Some(-number(&minus.expr)?),
        _ => None,
    }
}

/// Attributes where nobody would read them are a mistake.
pub(crate) fn refuse_attributes(attributes: &[Attribute], what: &str) -> Result<(), Error> {
    let ours = attributes.iter().find(|a| a.path().is_ident("replicate"));
    ours.map_or(Ok(()), |ours| Err(Error::new_spanned(ours, what)))
}

impl Field {
    pub(crate) fn parse(field: &syn::Field) -> Result<Self, Error> {
        let mut words = Words::default();
        for attribute in &field.attrs {
            if attribute.path().is_ident("replicate") {
                attribute.parse_nested_meta(|meta| words.read(&meta))?;
            }
        }
        let Some(ident) = field.ident.clone() else {
            return Err(Error::new_spanned(field, "a field without a name"));
        };
        let seen_by = words.seen_by.unwrap_or(SeenBy::All);
        if seen_by != SeenBy::All && words.place.is_some() {
            return Err(Error::new_spanned(
                &field.ident,
                "whoever sees an entity sees where it is; hide the whole entity with `Room::hide`",
            ));
        }
        Ok(Self {
            kind: words.kind(&ident)?,
            ident,
            ty: field.ty.clone(),
            seen_by,
        })
    }

    /// Where rustc points when the field's type lacks something.
    pub(crate) fn span(&self) -> Span {
        self.ty.span().resolved_at(Span::call_site())
    }

    /// Its entry in `FIELDS`.
    pub(crate) fn entry(&self) -> TokenStream {
        let name = self.ident.to_string();
        let kind = match &self.kind {
            Kind::Plain => quote!(Plain),
            Kind::Position => quote!(Position),
            Kind::Heading => quote!(Heading),
            Kind::Quantised(steps) => {
                let Steps { min, max, step } = &**steps;
                quote!(Quantised { min: #min, max: #max, step: #step })
            }
        };
        let seen_by = match self.seen_by {
            SeenBy::All => quote!(All),
            SeenBy::Team => quote!(Team),
            SeenBy::Owner => quote!(Owner),
        };
        quote! {
            ::downbeat::Field {
                name: #name,
                kind: ::downbeat::FieldKind::#kind,
                seen_by: ::downbeat::SeenBy::#seen_by,
            }
        }
    }

    /// Whether it differs from `newer` as it is written.
    pub(crate) fn differs(&self) -> TokenStream {
        let ident = &self.ident;
        match &self.kind {
            Kind::Quantised(steps) => {
                let steps = steps.arguments();
                quote_spanned! {
                    self.span() => ::downbeat::quantise(self.#ident, #steps)
                        != ::downbeat::quantise(newer.#ident, #steps)
                }
            }
            // Some C libraries take 70 ns to compare nothing with nothing, since an empty list's
            // pointer leads nowhere.
            _ if self.has_length() => quote_spanned! {
                self.span() => self.#ident.len() != newer.#ident.len()
                    || (!newer.#ident.is_empty() && self.#ident != newer.#ident)
            },
            _ => quote_spanned!(self.span() => self.#ident != newer.#ident),
        }
    }

    /// A `String` or a `Vec`, as far as the tokens tell.
    fn has_length(&self) -> bool {
        let syn::Type::Path(path) = &self.ty else {
            return false;
        };
        let last = path.path.segments.last();
        last.is_some_and(|last| last.ident == "String" || last.ident == "Vec")
    }

    pub(crate) fn encode(&self) -> TokenStream {
        let ident = &self.ident;
        match &self.kind {
            Kind::Quantised(steps) => {
                let steps = steps.arguments();
                quote_spanned! {
                    self.span() => out.varint(u64::from(::downbeat::quantise(self.#ident, #steps)))
                }
            }
            _ => quote!(out.value(&self.#ident)),
        }
    }

    pub(crate) fn decode(&self) -> TokenStream {
        match &self.kind {
            Kind::Quantised(steps) => {
                let steps = steps.arguments();
                quote_spanned! {
                    self.span() => ::downbeat::unquantise(input.varint_u32()?, #steps)
                }
            }
            _ => quote!(input.value()?),
        }
    }

    pub(crate) const fn is_lossy(&self) -> bool {
        !matches!(self.kind, Kind::Plain)
    }

    /// Whether a client may be without it, and needs a default in its place.
    pub(crate) fn may_be_missing(&self) -> bool {
        self.is_place() || self.seen_by != SeenBy::All
    }

    pub(crate) const fn is_place(&self) -> bool {
        matches!(self.kind, Kind::Position | Kind::Heading)
    }
}

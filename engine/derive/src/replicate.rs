//! `#[derive(Replicate)]`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprRange, Fields, Ident, Lit, RangeLimits, UnOp,
};

/// A mask of changed fields is a `u64`.
const FIELDS_MAX: usize = 64;

/// Steps that an `f32` can count.
const STEPS_MAX: f64 = 16_777_216.0;

pub(crate) fn expand(input: DeriveInput) -> Result<TokenStream, Error> {
    refuse_attributes(&input.attrs, "`#[replicate(…)]` goes on a field")?;
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => {
                let fields: Result<Vec<_>, _> = named.named.iter().map(Field::parse).collect();
                by_field(&input.ident, &fields?)?
            }
            fields @ (Fields::Unnamed(_) | Fields::Unit) => whole(fields.iter())?,
        },
        Data::Enum(data) => whole(data.variants.iter().flat_map(|v| &v.fields))?,
        Data::Union(data) => {
            return Err(Error::new_spanned(
                data.union_token,
                "a union cannot be replicated",
            ));
        }
    };
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        impl #generics ::downbeat::Replicate for #name #arguments #bounds { #body }
    })
}

enum Kind {
    Plain,
    Position,
    Heading,
    Quantised { min: Expr, max: Expr, step: Expr },
}

#[derive(Clone, Copy, PartialEq)]
enum SeenBy {
    All,
    Team,
    Owner,
}

/// A field and what its attributes say.
struct Field {
    ident: Ident,
    ty: syn::Type,
    kind: Kind,
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
    Ok(Kind::Quantised { min, max, step })
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
fn refuse_attributes(attributes: &[Attribute], what: &str) -> Result<(), Error> {
    let ours = attributes.iter().find(|a| a.path().is_ident("replicate"));
    ours.map_or(Ok(()), |ours| Err(Error::new_spanned(ours, what)))
}

impl Field {
    fn parse(field: &syn::Field) -> Result<Self, Error> {
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
    fn span(&self) -> Span {
        self.ty.span().resolved_at(Span::call_site())
    }

    /// Its entry in `FIELDS`.
    fn entry(&self) -> TokenStream {
        let name = self.ident.to_string();
        let kind = match &self.kind {
            Kind::Plain => quote!(Plain),
            Kind::Position => quote!(Position),
            Kind::Heading => quote!(Heading),
            Kind::Quantised { min, max, step } => {
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
    fn differs(&self) -> TokenStream {
        let ident = &self.ident;
        match &self.kind {
            Kind::Quantised { min, max, step } => quote! {
                ::downbeat::quantise(self.#ident, #min, #max, #step)
                    != ::downbeat::quantise(newer.#ident, #min, #max, #step)
            },
            _ => quote_spanned!(self.span() => self.#ident != newer.#ident),
        }
    }

    fn encode(&self) -> TokenStream {
        let ident = &self.ident;
        match &self.kind {
            Kind::Quantised { min, max, step } => quote! {
                out.varint(u64::from(::downbeat::quantise(self.#ident, #min, #max, #step)))
            },
            _ => quote!(out.value(&self.#ident)),
        }
    }

    fn decode(&self) -> TokenStream {
        match &self.kind {
            Kind::Quantised { min, max, step } => quote! {
                ::downbeat::unquantise(input.varint_u32()?, #min, #max, #step)
            },
            _ => quote!(input.value()?),
        }
    }

    const fn is_lossy(&self) -> bool {
        !matches!(self.kind, Kind::Plain)
    }

    /// Whether a client may be without it, and needs a default in its place.
    fn may_be_missing(&self) -> bool {
        self.is_place() || self.seen_by != SeenBy::All
    }

    const fn is_place(&self) -> bool {
        matches!(self.kind, Kind::Position | Kind::Heading)
    }
}

fn by_field(name: &Ident, fields: &[Field]) -> Result<TokenStream, Error> {
    if fields.len() > FIELDS_MAX {
        return Err(Error::new_spanned(
            name,
            format!(
                "a replicated struct has at most {FIELDS_MAX} fields, this one has {}",
                fields.len()
            ),
        ));
    }
    let place = place(fields)?;
    let bits: Vec<u64> = (0..fields.len()).map(|i| 1 << i).collect();
    let entries = fields.iter().map(Field::entry);
    let idents: Vec<_> = fields.iter().map(|f| &f.ident).collect();
    let types = fields.iter().map(|f| &f.ty);
    let differs = fields.iter().map(Field::differs);
    let encodes = fields.iter().map(Field::encode);
    let decodes: Vec<_> = fields.iter().map(Field::decode).collect();
    let lossy: Vec<_> = fields
        .iter()
        .filter(|f| f.is_lossy())
        .map(|f| &f.ident)
        .collect();
    let lossy_bits: Vec<_> = bits_of(fields, &bits, Field::is_lossy);
    let reads = fields.iter().zip(&bits).zip(&decodes).map(|((field, bit), decode)| {
        let ident = &field.ident;
        if field.may_be_missing() {
            let ty = &field.ty;
            let default = quote_spanned!(field.span() => <#ty as ::core::default::Default>::default());
            quote!(#ident: if mask & #bit != 0 { #decode } else { #default })
        } else {
            let name = ident.to_string();
            quote!(#ident: if mask & #bit != 0 { #decode } else { return Err(input.missing(#name)) })
        }
    });
    Ok(quote! {
        const FIELDS: &'static [::downbeat::Field] = &[#(#entries),*];
        #place
        fn absorb(&mut self, newer: &Self) -> u64 {
            let mut mask = 0;
            #(if #differs {
                ::core::clone::Clone::clone_from(&mut self.#idents, &newer.#idents);
                mask |= #bits;
            })*
            mask
        }
        fn absorb_exact(&mut self, newer: &Self) -> u64 {
            let mut mask = 0;
            #(if self.#lossy != newer.#lossy {
                self.#lossy = newer.#lossy;
                mask |= #lossy_bits;
            })*
            let _ = newer;
            mask
        }
        fn encode(&self, mask: u64, out: &mut ::downbeat::codec::Encoder<'_>) {
            #(if mask & #bits != 0 { #encodes; })*
        }
        fn encode_exact(&self, mask: u64, out: &mut ::downbeat::codec::Encoder<'_>) {
            #(if mask & #bits != 0 { out.value(&self.#idents); })*
        }
        fn decode(
            mask: u64,
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<Self, ::downbeat::codec::DecodeError> {
            Ok(Self { #(#reads),* })
        }
        fn apply(
            &mut self,
            mask: u64,
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<(), ::downbeat::codec::DecodeError> {
            #(if mask & #bits != 0 { self.#idents = #decodes; })*
            Ok(())
        }
        fn apply_exact(
            &mut self,
            mask: u64,
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<(), ::downbeat::codec::DecodeError> {
            #(if mask & #bits != 0 { self.#idents = input.value()?; })*
            Ok(())
        }
        fn skip_exact(
            mask: u64,
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<(), ::downbeat::codec::DecodeError> {
            #(if mask & #bits != 0 { input.value::<#types>()?; })*
            Ok(())
        }
    })
}

fn bits_of(fields: &[Field], bits: &[u64], is: impl Fn(&Field) -> bool) -> Vec<u64> {
    let picked = fields.iter().zip(bits).filter(|(field, _)| is(field));
    picked.map(|(_, bit)| *bit).collect()
}

/// The methods about position and heading, of which there is at most one each.
fn place(fields: &[Field]) -> Result<TokenStream, Error> {
    let only = |is: fn(&Kind) -> bool, what| {
        let mut found = fields.iter().filter(|f| is(&f.kind));
        match (found.next(), found.next()) {
            (Some(first), Some(second)) => {
                let what = format!("an entity has one {what}, and `{}` is it", first.ident);
                Err(Error::new_spanned(&second.ident, what))
            }
            (first, _) => Ok(first),
        }
    };
    let position = only(|kind| matches!(kind, Kind::Position), "position")?;
    let heading = only(|kind| matches!(kind, Kind::Heading), "heading")?;
    let position = position.map(|Field { ident, .. }| {
        quote! {
            fn position(&self) -> Option<::downbeat::Vec2> { Some(self.#ident) }
            fn set_position(&mut self, at: ::downbeat::Vec2) { self.#ident = at; }
        }
    });
    let heading = heading.map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        let as_heading = quote_spanned!(field.span() => <#ty as ::downbeat::Heading>);
        quote! {
            fn heading(&self) -> Option<u8> { Some(#as_heading::to_turn(self.#ident)) }
            fn set_heading(&mut self, heading: u8) { self.#ident = #as_heading::from_turn(heading); }
        }
    });
    Ok(quote! { #position #heading })
}

/// A type that is one field; what is in it cannot be treated each in its own way.
fn whole<'a>(mut fields: impl Iterator<Item = &'a syn::Field>) -> Result<TokenStream, Error> {
    let what = "only the fields of a struct with named fields are told apart";
    fields.try_for_each(|field| refuse_attributes(&field.attrs, what))?;
    Ok(quote! {
        const FIELDS: &'static [::downbeat::Field] = &[::downbeat::Field {
            name: "value",
            kind: ::downbeat::FieldKind::Plain,
            seen_by: ::downbeat::SeenBy::All,
        }];
        fn absorb(&mut self, newer: &Self) -> u64 {
            if self == newer {
                return 0;
            }
            self.clone_from(newer);
            1
        }
        fn absorb_exact(&mut self, _: &Self) -> u64 { 0 }
        fn encode(&self, mask: u64, out: &mut ::downbeat::codec::Encoder<'_>) {
            if mask & 1 != 0 { out.value(self); }
        }
        fn encode_exact(&self, mask: u64, out: &mut ::downbeat::codec::Encoder<'_>) {
            self.encode(mask, out);
        }
        fn decode(
            mask: u64,
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<Self, ::downbeat::codec::DecodeError> {
            if mask & 1 == 0 { return Err(input.missing("value")); }
            input.value()
        }
        fn apply(
            &mut self,
            mask: u64,
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<(), ::downbeat::codec::DecodeError> {
            if mask & 1 != 0 { *self = input.value()?; }
            Ok(())
        }
        fn apply_exact(
            &mut self,
            mask: u64,
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<(), ::downbeat::codec::DecodeError> {
            self.apply(mask, input)
        }
        fn skip_exact(
            mask: u64,
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<(), ::downbeat::codec::DecodeError> {
            if mask & 1 != 0 { input.value::<Self>()?; }
            Ok(())
        }
    })
}

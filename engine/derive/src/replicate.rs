//! `#[derive(Replicate)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Expr, ExprRange, Fields, Ident};

/// A mask of changed fields is a `u64`.
const FIELDS_MAX: usize = 64;

pub(crate) fn expand(input: DeriveInput) -> Result<TokenStream, Error> {
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => {
                let fields: Result<Vec<_>, _> = named.named.iter().map(Field::parse).collect();
                by_field(&input.ident, &fields?)?
            }
            Fields::Unnamed(_) | Fields::Unit => whole(),
        },
        Data::Enum(_) => whole(),
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

impl Field {
    fn parse(field: &syn::Field) -> Result<Self, Error> {
        let (mut kind, mut seen_by) = (Kind::Plain, SeenBy::All);
        let (mut range, mut step) = (None::<ExprRange>, None::<Expr>);
        for attribute in &field.attrs {
            if !attribute.path().is_ident("replicate") {
                continue;
            }
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("position") {
                    kind = Kind::Position;
                } else if meta.path.is_ident("heading") {
                    kind = Kind::Heading;
                } else if meta.path.is_ident("team") {
                    seen_by = SeenBy::Team;
                } else if meta.path.is_ident("private") {
                    seen_by = SeenBy::Owner;
                } else if meta.path.is_ident("range") {
                    range = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("step") {
                    step = Some(meta.value()?.parse()?);
                } else {
                    return Err(meta.error(
                        "expected `position`, `heading`, `range = a..=b`, `step = s`, `team` or `private`",
                    ));
                }
                Ok(())
            })?;
        }
        match (range, step) {
            (None, None) => {}
            (Some(range), Some(step)) if matches!(kind, Kind::Plain) => {
                let (Some(min), Some(max)) = (range.start, range.end) else {
                    return Err(Error::new_spanned(
                        &field.ident,
                        "a range has two ends: `range = 0.0..=100.0`",
                    ));
                };
                let (min, max) = (*min, *max);
                kind = Kind::Quantised { min, max, step };
            }
            (Some(_), Some(_)) => {
                return Err(Error::new_spanned(
                    &field.ident,
                    "a position or heading has its own steps",
                ));
            }
            _ => {
                return Err(Error::new_spanned(
                    &field.ident,
                    "`range` and `step` go together: `range = 0.0..=100.0, step = 0.5`",
                ));
            }
        }
        if seen_by != SeenBy::All && matches!(kind, Kind::Position | Kind::Heading) {
            return Err(Error::new_spanned(
                &field.ident,
                "whoever sees an entity sees where it is; hide the whole entity with `Room::hide`",
            ));
        }
        let Some(ident) = field.ident.clone() else {
            return Err(Error::new_spanned(field, "a field without a name"));
        };
        Ok(Self {
            ident,
            ty: field.ty.clone(),
            kind,
            seen_by,
        })
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
            _ => quote!(self.#ident != newer.#ident),
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
            quote!(#ident: if mask & #bit != 0 { #decode } else { <#ty as ::core::default::Default>::default() })
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
        let first = found.next();
        match found.next() {
            Some(second) => Err(Error::new_spanned(&second.ident, what)),
            None => Ok(first),
        }
    };
    let position = only(
        |kind| matches!(kind, Kind::Position),
        "an entity has one position",
    )?;
    let heading = only(
        |kind| matches!(kind, Kind::Heading),
        "an entity has one heading",
    )?;
    let position = position.map(|Field { ident, .. }| {
        quote! {
            fn position(&self) -> Option<::downbeat::Vec2> { Some(self.#ident) }
            fn set_position(&mut self, at: ::downbeat::Vec2) { self.#ident = at; }
        }
    });
    let heading = heading.map(|Field { ident, .. }| {
        quote! {
            fn heading(&self) -> Option<u8> { Some(::downbeat::Heading::to_turn(self.#ident)) }
            fn set_heading(&mut self, heading: u8) {
                self.#ident = ::downbeat::Heading::from_turn(heading);
            }
        }
    });
    Ok(quote! { #position #heading })
}

fn whole() -> TokenStream {
    quote! {
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
    }
}

//! `#[derive(Replicate)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident};

/// A mask of changed fields is a `u64`.
const FIELDS_MAX: usize = 64;

pub(crate) fn expand(input: DeriveInput) -> Result<TokenStream, Error> {
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => {
                by_field(&input.ident, &named.named.iter().collect::<Vec<_>>())?
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

fn by_field(name: &Ident, fields: &[&Field]) -> Result<TokenStream, Error> {
    if fields.len() > FIELDS_MAX {
        return Err(Error::new_spanned(
            name,
            format!(
                "a replicated struct has at most {FIELDS_MAX} fields, this one has {}",
                fields.len()
            ),
        ));
    }
    let mut position = None;
    let mut entries = Vec::new();
    for field in fields {
        let (is_position, entry) = attributes(field)?;
        entries.push(entry);
        if is_position && position.replace(&field.ident).is_some() {
            return Err(Error::new_spanned(field, "an entity has one position"));
        }
    }
    let position = position.map(|ident| {
        quote! {
            fn position(&self) -> Option<::downbeat::Vec2> { Some(self.#ident) }
        }
    });
    let idents: Vec<_> = fields.iter().map(|f| &f.ident).collect();
    let bits: Vec<u64> = (0..fields.len()).map(|i| 1 << i).collect();
    Ok(quote! {
        const FIELDS: &'static [::downbeat::Field] = &[#(#entries),*];
        #position
        fn absorb(&mut self, newer: &Self) -> u64 {
            let mut mask = 0;
            #(if self.#idents != newer.#idents {
                self.#idents = ::core::clone::Clone::clone(&newer.#idents);
                mask |= #bits;
            })*
            mask
        }
        fn encode(&self, mask: u64, out: &mut ::downbeat::codec::Encoder<'_>) {
            #(if mask & #bits != 0 { out.value(&self.#idents); })*
        }
        fn decode(
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<Self, ::downbeat::codec::DecodeError> {
            Ok(Self { #(#idents: input.value()?),* })
        }
        fn apply(
            &mut self,
            mask: u64,
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<(), ::downbeat::codec::DecodeError> {
            #(if mask & #bits != 0 { self.#idents = input.value()?; })*
            Ok(())
        }
    })
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
        fn encode(&self, mask: u64, out: &mut ::downbeat::codec::Encoder<'_>) {
            if mask & 1 != 0 { out.value(self); }
        }
        fn decode(
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<Self, ::downbeat::codec::DecodeError> {
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
    }
}

fn attributes(field: &Field) -> Result<(bool, TokenStream), Error> {
    let mut kind = quote!(Plain);
    let mut seen_by = quote!(All);
    let mut is_position = false;
    let (mut range, mut step) = (None::<syn::ExprRange>, None::<syn::Expr>);
    for attribute in &field.attrs {
        if !attribute.path().is_ident("replicate") {
            continue;
        }
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("position") {
                is_position = true;
                kind = quote!(Position);
            } else if meta.path.is_ident("heading") {
                kind = quote!(Heading);
            } else if meta.path.is_ident("team") {
                seen_by = quote!(Team);
            } else if meta.path.is_ident("private") {
                seen_by = quote!(Owner);
            } else if meta.path.is_ident("range") {
                range = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("step") {
                step = Some(meta.value()?.parse()?);
            } else {
                return Err(meta.error("expected `position`"));
            }
            Ok(())
        })?;
    }
    if let (Some(range), Some(step)) = (range, step) {
        let (min, max) = (range.start, range.end);
        kind = quote!(Quantised { min: #min, max: #max, step: #step });
    }
    let name = field.ident.as_ref().map(ToString::to_string);
    Ok((
        is_position,
        quote! {
            ::downbeat::Field {
                name: #name,
                kind: ::downbeat::FieldKind::#kind,
                seen_by: ::downbeat::SeenBy::#seen_by,
            }
        },
    ))
}

//! `#[derive(Replicate)]`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Error, Fields, Ident};

use crate::field::{Field, Kind, refuse_attributes};

/// A mask of changed fields is a `u64`.
const FIELDS_MAX: usize = 64;

pub(crate) fn expand(input: DeriveInput) -> Result<TokenStream, Error> {
    refuse_attributes(&input.attrs, "`#[replicate(…)]` goes on a field")?;
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => {
                let fields: Result<Vec<_>, _> = named.named.iter().map(Field::parse).collect();
                by_field(&input.ident, &fields?)?
            }
            fields @ (Fields::Unnamed(_) | Fields::Unit) => whole(&input.ident, fields.iter())?,
        },
        Data::Enum(data) => whole(&input.ident, data.variants.iter().flat_map(|v| &v.fields))?,
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
    let (changes, writes) = (changes(fields, &bits), writes(fields, &bits));
    let reads = reads(fields, &bits);
    Ok(quote! {
        const FIELDS: &'static [::downbeat::Field] = &[#(#entries),*];
        #place
        #changes
        #writes
        #reads
    })
}

/// The methods that find out what changed.
fn changes(fields: &[Field], bits: &[u64]) -> TokenStream {
    let idents = fields.iter().map(|f| &f.ident);
    let differs = fields.iter().map(Field::differs);
    let lossy = fields.iter().filter(|f| f.is_lossy());
    let lossy: Vec<_> = lossy.map(|f| &f.ident).collect();
    let lossy_bits = bits_of(fields, bits, Field::is_lossy);
    quote! {
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
    }
}

/// The methods that write.
fn writes(fields: &[Field], bits: &[u64]) -> TokenStream {
    let idents = fields.iter().map(|f| &f.ident);
    let encodes = fields.iter().map(Field::encode);
    quote! {
        fn encode(&self, mask: u64, out: &mut ::downbeat::codec::Encoder<'_>) {
            #(if mask & #bits != 0 { #encodes; })*
        }
        fn encode_exact(&self, mask: u64, out: &mut ::downbeat::codec::Encoder<'_>) {
            #(if mask & #bits != 0 { out.value(&self.#idents); })*
        }
    }
}

/// The methods that read.
fn reads(fields: &[Field], bits: &[u64]) -> TokenStream {
    let idents: Vec<_> = fields.iter().map(|f| &f.ident).collect();
    let types = fields.iter().map(|f| &f.ty);
    let decodes: Vec<_> = fields.iter().map(Field::decode).collect();
    let values = fields.iter().zip(bits).zip(&decodes);
    let values = values.map(|((field, bit), decode)| {
        let (ident, ty) = (&field.ident, &field.ty);
        let otherwise = if field.may_be_missing() {
            quote_spanned!(field.span() => <#ty as ::core::default::Default>::default())
        } else {
            let name = ident.to_string();
            quote!(return Err(input.missing(#name)))
        };
        quote!(#ident: if mask & #bit != 0 { #decode } else { #otherwise })
    });
    quote! {
        fn decode(
            mask: u64,
            input: &mut ::downbeat::codec::Decoder<'_>,
        ) -> ::core::result::Result<Self, ::downbeat::codec::DecodeError> {
            Ok(Self { #(#values),* })
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
    }
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
    let position = position.map(|field| {
        let ident = &field.ident;
        let from = quote_spanned!(field.span() => Some(self.#ident));
        let to = quote_spanned!(field.span() => self.#ident = at);
        quote! {
            fn position(&self) -> Option<::downbeat::Vec2> { #from }
            fn set_position(&mut self, at: ::downbeat::Vec2) { #to; }
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
fn whole<'a>(
    name: &Ident,
    mut fields: impl Iterator<Item = &'a syn::Field>,
) -> Result<TokenStream, Error> {
    let what = "only the fields of a struct with named fields are told apart";
    fields.try_for_each(|field| refuse_attributes(&field.attrs, what))?;
    let span = name.span().resolved_at(Span::call_site());
    let same = quote_spanned!(span => *self == *newer);
    Ok(quote! {
        const FIELDS: &'static [::downbeat::Field] = &[::downbeat::Field {
            name: "value",
            kind: ::downbeat::FieldKind::Plain,
            seen_by: ::downbeat::SeenBy::All,
        }];
        fn absorb(&mut self, newer: &Self) -> u64 {
            if #same {
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

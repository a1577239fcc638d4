//! `#[game]`: `type X = ();` for each associated type of `Game` that an impl leaves out.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Error, ImplItem, ItemImpl, parse_quote};

/// All that `Game` asks for except `Input`: a game without inputs is a mistake worth an error.
const OPTIONAL: [&str; 10] = [
    "Settings", "Entity", "Shared", "Private", "Event", "Message", "Timer", "Job", "Query",
    "Profile",
];

pub(crate) fn expand(attributes: TokenStream, mut item: ItemImpl) -> Result<TokenStream, Error> {
    if !attributes.is_empty() {
        return Err(Error::new_spanned(
            attributes,
            "`#[game]` takes no arguments",
        ));
    }
    if item.trait_.is_none() {
        return Err(Error::new_spanned(
            item.self_ty,
            "`#[game]` goes on `impl Game for …`",
        ));
    }
    for name in OPTIONAL {
        let named = item
            .items
            .iter()
            .any(|i| matches!(i, ImplItem::Type(t) if t.ident == name));
        if !named {
            let ident = syn::Ident::new(name, proc_macro2::Span::call_site());
            item.items.insert(0, parse_quote! { type #ident = (); });
        }
    }
    let item = item.into_token_stream();
    Ok(quote! { #item })
}

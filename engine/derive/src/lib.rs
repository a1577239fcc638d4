//! The macros of `downbeat`: `#[derive(Replicate)]` and `#[game]`.
//!
//! In: the tokens of a game's types. Out: implementations that call only public items of
//! `downbeat`. Nothing here knows how bytes look; that is the trait's business.

use proc_macro::TokenStream;

mod field;
mod replicate;
mod game;

/// Implements `downbeat::Replicate`: which fields changed, and how they are written and read.
///
/// A struct with named fields is replicated field by field (at most 64); any other type as a
/// whole. The type must be `Clone + PartialEq + Serialize + DeserializeOwned`.
///
/// What a field is, and who may see it, is said in `#[replicate(…)]`:
///
/// | | |
/// |---|---|
/// | `position` | a `Vec2` in metres: where clients see the entity, and `Room::near` finds it; travels in 1/64 m |
/// | `heading` | a `u8` in 1/256 turn, or an `f32` in radians; costs nothing while it follows the movement |
/// | `range = 0.0..=100.0, step = 0.5` | an `f32` that travels as the number of its step |
/// | `team` | seen by the entity's team alone; needs a `Default` |
/// | `private` | seen by the entity's owner alone; needs a `Default` |
#[proc_macro_derive(Replicate, attributes(replicate))]
pub fn derive_replicate(input: TokenStream) -> TokenStream {
    replicate::expand(syn::parse_macro_input!(input))
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Fills in the associated types that a small game has no use for with `()`.
///
/// Goes on `impl Game for …`; what the game does name stays as it is.
#[proc_macro_attribute]
pub fn game(attributes: TokenStream, item: TokenStream) -> TokenStream {
    game::expand(attributes.into(), syn::parse_macro_input!(item))
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

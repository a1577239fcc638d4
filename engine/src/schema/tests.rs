use std::collections::BTreeMap;
use std::num::NonZeroU16;

use glam::Vec2;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{OpenError, Player, PlayerId, Refusal, Room, Seat};

/// A game of nothing but types.
macro_rules! game {
    ($name:ident { $($role:ident = $type:ty),* }) => {
        #[derive(Serialize, Deserialize)]
        struct $name;

        #[crate::game]
        impl Game for $name {
            const NAME: &'static str = "types";
            $(type $role = $type;)*
            fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
                Ok(Self)
            }
            fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
                Ok(Seat::Player)
            }
            fn input(&mut self, _: &mut Room<Self>, _: PlayerId, _: Self::Input) {}
        }
    };
}

fn text<G: Game>() -> String {
    let schema = Schema::of::<G>();
    schema.unwrap_or_else(|error| panic!("{error}")).text()
}

fn why<G: Game>() -> Why {
    Schema::of::<G>().expect_err("not to be described").why
}

#[test]
fn the_text_of_a_game_is_pinned() {
    #[derive(Clone, Serialize, Deserialize)]
    enum Order {
        Walk { dx: i8, dy: i8 },
        Goto(Vec2),
        Pair(u8, Option<String>),
        Stop,
    }
    #[derive(Clone, PartialEq, Serialize, Deserialize, crate::Replicate)]
    struct Body {
        #[replicate(position)]
        pos: Vec2,
        #[replicate(heading)]
        heading: u8,
        #[replicate(range = 0.0..=100.0, step = 0.5)]
        stamina: f32,
        #[replicate(team)]
        health: u8,
        #[replicate(private)]
        cards: Vec<Card>,
    }
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    struct Card {
        suit: Suit,
        #[serde(rename = "the \"rank\"")]
        rank: u8,
    }
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    enum Suit {
        Clubs,
        Hearts,
    }
    #[derive(Clone, Default, PartialEq, Serialize, Deserialize, crate::Replicate)]
    struct Round(u32);

    game!(Pinned { Input = Order, Entity = Body, Shared = Round, Event = BTreeMap<String, [u8; 2]> });
    let text = text::<Pinned>();
    assert_eq!(
        text,
        "downbeat.v1\n\
         input enum{Walk:{dx:i8,dy:i8},Goto:vec2,Pair:(u8,option<str>),Stop:unit}\n\
         entity fields{pos:position vec2,heading:heading u8,\
         stamina:quantised(0,100,0.5) f32,health:team u8,\
         cards:owner list<{suit:enum{Clubs:unit,Hearts:unit},\"the \\\"rank\\\"\":u8}>}\n\
         shared u32\n\
         private unit\n\
         event map<str,(u8,u8)>\n"
    );
    assert_eq!(Schema::hash_of::<Pinned>(), Some(0x5251_bd81));
}

#[test]
fn every_variant_is_found_wherever_its_enum_stands() {
    #[derive(Clone, Serialize, Deserialize)]
    enum Inner {
        A,
        B(u8),
    }
    #[derive(Clone, Serialize, Deserialize)]
    enum Outer {
        First,
        Deep(Vec<Option<(Inner, BTreeMap<u8, Deepest>)>>),
        Last { inner: Inner },
    }
    #[derive(Clone, Serialize, Deserialize)]
    enum Deepest {
        X,
        Y,
        Z(Inner),
    }
    game!(Nested { Input = Vec<Outer> });
    let inner = "enum{A:unit,B:u8}";
    let deepest = format!("enum{{X:unit,Y:unit,Z:{inner}}}");
    let expect = format!(
        "input list<enum{{First:unit,Deep:list<option<({inner},map<u8,{deepest}>)>>,\
         Last:{{inner:{inner}}}}}>"
    );
    assert_eq!(text::<Nested>().lines().nth(1), Some(&*expect));
}

mod one {
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    pub(super) enum Kind {
        A,
        B,
    }
}

mod two {
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    pub(super) enum Kind {
        P(u8),
    }
}

#[test]
fn types_of_one_name_and_uses_of_a_generic_type_are_told_apart() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Both<T> {
        a: T,
        b: two::Kind,
    }
    game!(Colliding { Input = (Both<one::Kind>, Both<u8>) });
    assert_eq!(
        text::<Colliding>().lines().nth(1),
        Some("input ({a:enum{A:unit,B:unit},b:enum{P:u8}},{a:u8,b:enum{P:u8}})")
    );
}

#[test]
fn names_and_bytes_change_the_hash_and_a_types_own_name_does_not() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Here {
        x: u8,
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct There {
        x: u8,
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Renamed {
        y: u8,
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Wider {
        x: u16,
    }
    game!(A { Input = Here });
    game!(B { Input = There });
    game!(C { Input = Renamed });
    game!(D { Input = Wider });
    game!(E { Input = (), Event = Here });
    let hash = Schema::hash_of::<A>();
    assert_eq!(hash, Schema::hash_of::<B>());
    let others = [
        Schema::hash_of::<C>(),
        Schema::hash_of::<D>(),
        Schema::hash_of::<E>(),
    ];
    assert!(!others.contains(&hash), "{hash:?} in {others:?}");
}

#[test]
fn a_type_that_wants_no_zero_or_nothing_else_is_described() {
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(try_from = "String", into = "String")]
    struct Blank;
    impl TryFrom<String> for Blank {
        type Error = &'static str;
        fn try_from(text: String) -> Result<Self, &'static str> {
            text.is_empty().then_some(Self).ok_or("not blank")
        }
    }
    impl From<Blank> for String {
        fn from(_: Blank) -> Self {
            Self::new()
        }
    }
    game!(Choosy { Input = NonZeroU16, Event = Blank });
    let text = text::<Choosy>();
    assert!(text.contains("input u16\n"), "{text}");
    assert!(text.contains("event str\n"), "{text}");
}

#[test]
fn what_cannot_be_described_says_why() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Tree {
        children: Vec<Self>,
    }
    game!(Recursive { Input = Tree });
    assert_eq!(why::<Recursive>(), Why::Recursive("Tree".into()));

    #[derive(Clone, Serialize, Deserialize)]
    struct Branch(Vec<Self>);
    game!(RecursiveToo { Input = Branch });
    assert_eq!(why::<RecursiveToo>(), Why::Recursive("Branch".into()));

    #[derive(Clone, Serialize, Deserialize)]
    #[serde(from = "u8")]
    struct Mine;
    impl From<u8> for Mine {
        fn from(_: u8) -> Self {
            panic!("stepped on")
        }
    }
    game!(Panicking { Input = Mine });
    let (at, what) = ("Mine".into(), "stepped on".into());
    assert_eq!(why::<Panicking>(), Why::Panicked { at, what });

    #[derive(Clone, Serialize, Deserialize)]
    #[serde(try_from = "u8", into = "u8")]
    struct Even;
    impl TryFrom<u8> for Even {
        type Error = String;
        fn try_from(_: u8) -> Result<Self, String> {
            Err("only 42".into())
        }
    }
    impl From<Even> for u8 {
        fn from(_: Even) -> Self {
            42
        }
    }
    game!(Refusing { Input = (), Event = Even });
    let error = Schema::of::<Refusing>().expect_err("refused").to_string();
    assert_eq!(
        error,
        "the event type cannot be described: Even refused a made-up value: only 42"
    );

    #[derive(Clone, Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Tagged {
        A { x: u8 },
    }
    game!(Named { Input = Tagged });
    assert_eq!(why::<Named>(), Why::NeedsNames("Tagged".into()));

    #[derive(Clone, Serialize, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Gappy {
        #[serde(skip_serializing)]
        x: u8,
        y: u16,
    }
    game!(Unlike { Input = Gappy });
    assert_eq!(why::<Unlike>(), Why::NotAsRead("Gappy".into()));
}

#[test]
fn replicated_fields_must_be_those_that_serde_sees() {
    #[derive(Clone, Default, PartialEq, Serialize, Deserialize, crate::Replicate)]
    struct Skipping {
        seen: u8,
        #[serde(skip)]
        unseen: u8,
    }
    game!(Skip { Input = (), Shared = Skipping });
    assert_eq!(why::<Skip>(), Why::OtherFields);
}

use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat, Vec2};
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Serialize, Deserialize)]
struct Duel;

#[derive(Clone, Serialize, Deserialize)]
enum Order {
    Walk { dx: i8, dy: i8 },
    Goto(Vec2),
    Say(String, Option<u8>),
    Wear(Hat),
    Stop,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Hat {
    colour: Colour,
    holes: Vec<u8>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
enum Colour {
    Red,
    Green,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Duellist {
    #[replicate(position)]
    pos: Vec2,
    #[replicate(heading)]
    heading: f32,
    #[replicate(range = -1.0..=1.0, step = 0.5)]
    mood: f32,
    #[replicate(team)]
    health: u8,
    #[replicate(private, range = 0.0..=10.0, step = 1.0)]
    ammo: f32,
    hat: Hat,
}

mod other {
    use serde::{Deserialize, Serialize};

    /// Another type of that name.
    #[derive(Serialize, Deserialize)]
    pub(super) struct Hat(pub(super) Inside);

    #[derive(Serialize, Deserialize)]
    #[serde(rename = "Hat")]
    pub(super) struct Inside {
        pub(super) size: u64,
    }
}

#[derive(Serialize, Deserialize)]
enum Shot {
    Hit { by: u32, hat: other::Hat },
    Flew { to: Colour, who: Vec<(u32, bool)> },
}

#[downbeat::game]
impl Game for Duel {
    const NAME: &'static str = "duel";
    type Input = Order;
    type Entity = Duellist;
    type Event = Shot;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, _: Order) {}
}

const TYPESCRIPT: &str = "\
// The types of the game `my-duel`, generated from the Rust types: do not edit.
import { bool, bytes, defineGame, headingRadians, i8, list, names, option, owner, position, \
quantised, replicated, str, struct, team, tuple, u32, u64, u8, unit, variants, vec2, type Infer } \
from '@downbeat/client';

export const Colour = names('Red', 'Green');
export type Colour = Infer<typeof Colour>;

export const Hat = struct({ colour: Colour, holes: bytes });
export type Hat = Infer<typeof Hat>;

export const Input = variants({
  Walk: struct({ dx: i8, dy: i8 }),
  Goto: vec2,
  Say: tuple(str, option(u8)),
  Wear: Hat,
  Stop: unit,
});
export type Input = Infer<typeof Input>;

export const Entity = replicated({
  pos: position(),
  heading: headingRadians(),
  mood: quantised(-1, 1, 0.5),
  health: team(u8),
  ammo: owner(quantised(0, 10, 1)),
  hat: Hat,
});
export type Entity = Infer<typeof Entity>;

export const Shared = unit;
export type Shared = Infer<typeof Shared>;

export const Private = unit;
export type Private = Infer<typeof Private>;

export const Hat2 = struct({ size: u64 });
export type Hat2 = Infer<typeof Hat2>;

export const Event = variants({
  Hit: struct({ by: u32, hat: Hat2 }),
  Flew: struct({ to: Colour, who: list(tuple(u32, bool)) }),
});
export type Event = Infer<typeof Event>;

export const myDuel = defineGame({
  name: 'my-duel',
  schema: HASH,
  input: Input,
  entity: Entity,
  shared: Shared,
  private: Private,
  event: Event,
});
";

#[test]
fn a_game_becomes_a_module_of_codecs() {
    let schema = Schema::of::<Duel>().expect("described");
    let hash = format!("0x{:08x}", schema.hash());
    let typescript = module(&schema, "my-duel", Language::TypeScript).expect("a module");
    assert_eq!(typescript, TYPESCRIPT.replace("HASH", &hash));
}

#[test]
fn javascript_is_the_same_without_types() {
    let schema = Schema::of::<Duel>().expect("described");
    let expect = TYPESCRIPT
        .replace("HASH", &format!("0x{:08x}", schema.hash()))
        .replace(", type Infer", "")
        .replace("@downbeat/client", "/downbeat/client.js");
    let untyped = |line: &&str| !line.starts_with("export type");
    let expect: Vec<_> = expect.lines().filter(untyped).collect();
    let javascript = module(&schema, "my-duel", Language::JavaScript).expect("a module");
    assert_eq!(javascript.lines().collect::<Vec<_>>(), expect);
}

#[track_caller]
fn refused<T: downbeat::Data + Clone>() -> String {
    #[derive(Serialize, Deserialize)]
    #[serde(bound = "")]
    struct Odd<T>(std::marker::PhantomData<fn() -> T>);

    #[downbeat::game]
    impl<T: downbeat::Data + Clone> Game for Odd<T> {
        const NAME: &'static str = "odd";
        type Input = T;

        fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
            Ok(Self(std::marker::PhantomData))
        }

        fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
            Ok(Seat::Player)
        }

        fn input(&mut self, _: &mut Room<Self>, _: PlayerId, _: T) {}
    }

    let schema = Schema::of::<Odd<T>>().expect("described");
    let error = module(&schema, "odd", Language::TypeScript).expect_err("refused");
    error.to_string()
}

#[test]
fn what_has_no_counterpart_is_refused_in_words() {
    #[derive(Clone, Serialize, Deserialize)]
    enum Hidden {
        A {
            #[serde(rename = "type")]
            kind: u8,
        },
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Numbered {
        #[serde(rename = "0")]
        first: u8,
    }
    let none = "which JavaScript has no counterpart for";
    assert_eq!(
        refused::<char>(),
        format!("the input type holds char, {none}")
    );
    assert!(refused::<Option<Option<u8>>>().contains("look like none"));
    assert!(refused::<Hidden>().contains("a variant A with a field called \"type\""));
    assert!(refused::<Numbered>().contains("called \"0\""));
}

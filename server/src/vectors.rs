//! Golden steps: what the rules of a game do with one player's inputs, tick by tick, for clients
//! that predict them.
//!
//! In: a game with a bot. Out: a file of inputs and of what the player sees after each, exactly as
//! the server has it: its avatar, and what changed of the room's shared state and of its private
//! one. No sockets: a test room and virtual time.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use downbeat::testing::TestRoom;
use downbeat::{Game, PlayerId, Schema, seeded};
use serde_json::{Value, json};

use self::told::Told;

mod told;

/// What `downbeat vectors` is told.
#[derive(clap::Args, Debug)]
pub(crate) struct VectorsOptions {
    /// Whose steps
    #[arg(long, value_name = "NAME")]
    pub(crate) game: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// How many steps
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) steps: u32,
    /// What the room and the bot draw from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Why there are no golden steps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VectorsError {
    #[error("the room does not open: {0}")]
    Open(#[from] downbeat::OpenError),
    #[error("the player is not let in: {0}")]
    Join(#[from] downbeat::Refusal),
    #[error("players of this game have no avatar, so there is nothing to predict")]
    NoAvatar,
    #[error("the player was out after {0} steps: {1}")]
    Ended(u32, &'static str),
    #[error("the {0} cannot be written as JSON: {1}")]
    Json(&'static str, serde_json::Error),
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// Plays one player for `steps` ticks and writes what became of its avatar.
pub(crate) fn write<G: Game>(
    settings: G::Settings,
    options: &VectorsOptions,
    out: impl Write,
) -> Result<(), VectorsError> {
    let mut out = BufWriter::new(out);
    let mut room = TestRoom::<G>::try_open(settings, options.seed)?;
    let player = room.join("vector")?;
    if room.room().avatar(player).is_none() {
        return Err(VectorsError::NoAvatar);
    }
    let mut shared = Told::new("shared state", room.room().shared());
    let private = room.room().private(player).cloned().unwrap_or_default();
    let mut private = Told::new("private state", &private);
    let mut head = json!({
        "game": options.game,
        "schema": Schema::hash_of::<G>().unwrap_or(0),
        "dt": room.room().dt(),
        "seed": options.seed,
        "shared": shared.all()?,
        "start": avatar(&mut room, player)?,
    });
    if !private.all()?.is_null() {
        head["private"] = private.all()?;
    }
    // One step per line, so that a change of the rules shows as a change of lines.
    let head = head.to_string();
    let head = head.strip_suffix('}').expect("an object ends so");
    write!(out, "{head},\"steps\":[")?;

    let mut mind = G::bot(options.seed);
    let mut rng = seeded(options.seed, "vectors", 0, "bot");
    let mut seq = 0;
    for step in 0..options.steps {
        let input = mind
            .as_mut()
            .and_then(|m| m.think(room.view(player), &mut rng));
        let mut told = Value::Null;
        if let Some(input) = input {
            told = serde_json::to_value(&input).map_err(|e| VectorsError::Json("input", e))?;
            seq += 1;
            room.input(player, input);
        }
        room.step(1);
        room.events(player).clear();
        if let Some(close) = room.closed(player) {
            return Err(VectorsError::Ended(step + 1, close.reason));
        }
        let mut line = json!({ "input": told, "seq": seq, "entity": avatar(&mut room, player)? });
        if let Some(changed) = shared.changed(room.room().shared())? {
            line["shared"] = changed;
        }
        let newest = room.room().private(player);
        if let Some(changed) = newest
            .map(|newest| private.changed(newest))
            .transpose()?
            .flatten()
        {
            line["private"] = changed;
        }
        write!(out, "{}{line}", if step == 0 { "\n" } else { ",\n" })?;
    }
    writeln!(out, "\n]}}")?;
    out.flush()?;
    Ok(())
}

/// The avatar as the server has it, in full precision; null while it has none.
fn avatar<G: Game>(room: &mut TestRoom<G>, player: PlayerId) -> Result<Value, VectorsError> {
    let room = room.room();
    let entity = room.avatar(player).and_then(|id| room.entity(id));
    let entity = entity.map(serde_json::to_value).transpose();
    let entity = entity.map_err(|error| VectorsError::Json("entity", error))?;
    Ok(entity.unwrap_or(Value::Null))
}

#[cfg(test)]
mod tests {
    use downbeat::rand::RngExt as _;
    use downbeat::{Bot, OpenError, Player, Refusal, Replicate, Room, Seat, Vec2};
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Stroll;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Replicate)]
    struct Walker {
        #[replicate(position)]
        at: Vec2,
    }

    #[downbeat::game]
    impl Game for Stroll {
        const NAME: &'static str = "stroll";
        type Input = Vec2;
        type Entity = Walker;

        fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
            Ok(Self)
        }

        fn join(&mut self, room: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
            let at = Vec2::new(0.1, 1.0 / 3.0);
            Ok(Seat::Avatar(room.spawn(Walker { at })))
        }

        fn input(&mut self, room: &mut Room<Self>, player: PlayerId, step: Vec2) {
            let dt = room.dt();
            if let Some(walker) = room.avatar(player).and_then(|id| room.entity_mut(id)) {
                walker.at += step * dt;
            }
        }

        fn bot(_: u64) -> Option<Box<dyn Bot<Self>>> {
            Some(Box::new(
                |_: &downbeat::client::View<Self>, rng: &mut downbeat::Rng| {
                    Some(Vec2::new(rng.random(), rng.random()))
                },
            ))
        }
    }

    fn options(steps: u32) -> VectorsOptions {
        VectorsOptions {
            game: "stroll".into(),
            out: PathBuf::new(),
            steps,
            seed: 7,
        }
    }

    #[test]
    fn each_step_has_its_input_and_the_exact_avatar_after_it() {
        let mut file = Vec::new();
        write::<Stroll>((), &options(500), &mut file).expect("written");
        let file: Value = serde_json::from_slice(&file).expect("JSON");
        assert_eq!(file["game"], "stroll");
        assert_eq!(
            file["schema"],
            Schema::hash_of::<Stroll>().expect("described")
        );
        let float = |value: &Value| -> f32 {
            #[expect(clippy::cast_possible_truncation, reason = "what Math.fround does")]
            let value = value.as_f64().expect("a number") as f32;
            value
        };
        let vec2 = |value: &Value| Vec2::new(float(&value[0]), float(&value[1]));
        // The rules, played again in plain f32 from what the file says, to the last bit.
        let mut at = vec2(&file["start"]["at"]);
        assert_eq!(at, Vec2::new(0.1, 1.0 / 3.0));
        let steps = file["steps"].as_array().expect("a list");
        assert_eq!(steps.len(), 500);
        for (number, step) in (1..).zip(steps) {
            assert_eq!(step["seq"], number);
            at += vec2(&step["input"]) * float(&file["dt"]);
            assert_eq!(vec2(&step["entity"]["at"]), at, "step {number}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_file() {
        let file = || {
            let mut file = Vec::new();
            write::<Stroll>((), &options(50), &mut file).expect("written");
            file
        };
        assert_eq!(file(), file());
    }
}

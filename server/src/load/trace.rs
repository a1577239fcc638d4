//! `--trace`: what one bot is told and says, one line each, for people.
//!
//! In: a bot's view after each whole tick, and its inputs. Out: lines of text. The words before the
//! values are fixed, so that they can be searched for; a part that has nothing to say is left out.

use std::fmt::Write as _;
use std::io::Write as _;

use downbeat::client::View;
use downbeat::schema::{Role, Schema};
use downbeat::{Field, Game, Replicate};
use serde::Serialize;
use serde_json::Value;

/// Bots that can be followed: beyond, nobody can read along.
pub(super) const CLIENTS_MAX: u32 = 4;

/// Elements of a list that are shown: a hand of cards, not a map of tiles.
const LIST_MAX: usize = 16;

/// What `--help` says of it.
pub(super) const HELP: &str = "\
Prints what the bots are told and say, decoded, one line each on stdout (at most 4 clients)

One line for each whole tick:

  bot-1 tick 813  due 12  ack 5  lead 20  bytes 48  ~7{\"pos\":[1.5,2.0]}  -9

`due`, `ack` and `lead` (ms) are the newest of the frame's header, `bytes` the payload of its
messages. Then, each only if there is something to tell: `heartbeat`, `reset` (all before is
forgotten), `seat`, `shared` and `private` with the fields that changed, `+ID{…}` an entity that
came, `~ID{…}` one that changed, with those fields, `-ID` one that went, `event`, `refused` with
the number of an input, and `mismatch` if a checksum was another. And one line for what is sent:

  bot-1 input 6  seen 813  behind 0  {\"Walk\":{\"dx\":127,\"dy\":0}}";

/// What one bot's lines need to be remembered.
#[derive(Debug)]
pub(super) struct Trace {
    bot: String,
    entity: Vec<String>,
    shared: Vec<String>,
    private: Vec<String>,
    /// Payload since the last whole tick.
    bytes: usize,
    due: u32,
    mismatches: u32,
    /// Events and refusals of the view that have been shown.
    events: usize,
    refused: usize,
}

impl Trace {
    /// For a bot of this name; from now on its view remembers what changes.
    pub(super) fn new<G: Game>(bot: &str, view: &mut View<G>) -> Self {
        view.track_changes();
        let schema = Schema::of::<G>().ok();
        let names = |role, fields: &[Field]| match &schema {
            Some(schema) => schema
                .field_names(role)
                .into_iter()
                .map(Into::into)
                .collect(),
            None => fields.iter().map(|field| field.name.into()).collect(),
        };
        Self {
            bot: bot.to_owned(),
            entity: names(Role::Entity, G::Entity::FIELDS),
            shared: names(Role::Shared, G::Shared::FIELDS),
            private: names(Role::Private, G::Private::FIELDS),
            bytes: 0,
            due: 0,
            mismatches: 0,
            events: 0,
            refused: 0,
        }
    }

    /// A message came.
    pub(super) const fn handle_message(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// The view's events and refusals were taken.
    pub(super) const fn handle_taken(&mut self) {
        (self.events, self.refused) = (0, 0);
    }

    /// The line of a welcome.
    pub(super) fn welcome<G: Game>(&mut self, view: &View<G>) -> String {
        self.bytes = 0;
        self.due = view.due;
        let mut welcome = view.welcome.clone();
        // Who has the token is this member: it is for no terminal and no log.
        if let Some(welcome) = welcome.as_mut().filter(|w| !w.resume.is_empty()) {
            welcome.resume = "…".into();
        }
        let text = welcome.as_ref().map(shown).unwrap_or_default();
        format!("{} welcome {text}", self.bot)
    }

    /// The line of a whole tick.
    pub(super) fn tick<G: Game>(&mut self, view: &mut View<G>) -> String {
        let changes = view.take_changes();
        let mut line = format!(
            "{} tick {}  due {}  ack {}  lead {}  bytes {}",
            self.bot,
            view.tick.number(),
            view.due,
            view.input_ack,
            view.lead_ms,
            std::mem::take(&mut self.bytes)
        );
        if std::mem::replace(&mut self.due, view.due) == view.due && !changes.reset {
            line.push_str("  heartbeat");
        }
        if changes.reset {
            line.push_str("  reset");
        }
        if changes.seat {
            push(&mut line, "seat ", &shown(&view.seat));
        }
        for (word, mask, whole, names) in [
            ("shared ", changes.shared, value(&view.shared), &self.shared),
            (
                "private ",
                changes.private,
                value(&view.private),
                &self.private,
            ),
        ] {
            if mask != 0 {
                push(&mut line, word, &fields(&whole, mask, names));
            }
        }
        let added = changes.added.iter().map(|&id| ('+', id, u64::MAX));
        let changed = changes.changed.iter().map(|&(id, mask)| ('~', id, mask));
        for (sign, id, mask) in added.chain(changed) {
            // What came and went within the tick is nothing to tell.
            if let Some(entity) = view.entities.get(&id) {
                let fields = fields(&value(entity), mask, &self.entity);
                push(&mut line, "", &format!("{sign}{id}{fields}"));
            }
        }
        for id in &changes.removed {
            push(&mut line, "", &format!("-{id}"));
        }
        for event in view.events.iter().skip(self.events) {
            push(&mut line, "event ", &shown(event));
        }
        for seq in view.refused.iter().skip(self.refused) {
            push(&mut line, "refused ", &seq.to_string());
        }
        (self.events, self.refused) = (view.events.len(), view.refused.len());
        if std::mem::replace(&mut self.mismatches, view.mismatches()) != view.mismatches() {
            line.push_str("  mismatch");
        }
        line
    }

    /// The line of an input that is sent.
    pub(super) fn input<G: Game>(&self, seq: u32, view: &View<G>, input: &G::Input) -> String {
        let seen = view.tick.number();
        // Bots act on what has just come.
        format!(
            "{} input {seq}  seen {seen}  behind 0  {}",
            self.bot,
            shown(input)
        )
    }

    /// A line of few words.
    pub(super) fn note(&self, text: &str) -> String {
        format!("{} {text}", self.bot)
    }
}

/// One line on stdout; whoever does not read any more misses nothing.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn push(line: &mut String, word: &str, text: &str) {
    line.push_str("  ");
    line.push_str(word);
    line.push_str(text);
}

fn value<T: Serialize>(of: &T) -> Value {
    serde_json::to_value(of).unwrap_or(Value::Null)
}

fn shown<T: Serialize>(of: &T) -> String {
    let mut text = String::new();
    write_value(&value(of), &mut text);
    text
}

/// The fields of a mask by their names; a value that has no names as it is.
fn fields(whole: &Value, mask: u64, names: &[String]) -> String {
    let mut text = String::new();
    let Value::Object(all) = whole else {
        text.push(' ');
        write_value(whole, &mut text);
        return text;
    };
    text.push('{');
    for (name, field) in names.iter().enumerate().filter_map(|(bit, name)| {
        let is_changed = bit < 64 && mask >> bit & 1 == 1;
        Some((name, all.get(name).filter(|_| is_changed)?))
    }) {
        let comma = if text.len() > 1 { "," } else { "" };
        let _ = write!(text, "{comma}{name:?}:");
        write_value(field, &mut text);
    }
    text.push('}');
    text
}

/// JSON, but for long lists, and for numbers: an `f32` is shown as short as it is meant.
fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(wide) => {
                #[expect(clippy::cast_possible_truncation, reason = "compared right after")]
                let narrow = wide as f32;
                let _ = if f64::from(narrow) == wide {
                    write!(out, "{narrow:?}")
                } else {
                    write!(out, "{wide:?}")
                };
            }
            None => {
                let _ = write!(out, "{number}");
            }
        },
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().take(LIST_MAX).enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_value(item, out);
            }
            if items.len() > LIST_MAX {
                let _ = write!(out, ",… {} in all", items.len());
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (at, (name, field)) in fields.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                let _ = write!(out, "{comma}{}:", Value::from(name.as_str()));
                write_value(field, out);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use downbeat::testing::Gallery;
    use downbeat::{OpenError, Player, PlayerId, Refusal, Room, Seat, To, Vec2};
    use serde::Deserialize;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Stage;

    #[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
    struct Actor {
        #[replicate(position)]
        at: Vec2,
        #[serde(rename = "called")]
        name: String,
        load: f32,
    }

    #[derive(Clone, Default, PartialEq, Serialize, Deserialize, Replicate)]
    struct Scenery {
        act: u8,
        tiles: Vec<u8>,
    }

    #[downbeat::game]
    impl Game for Stage {
        const NAME: &'static str = "stage";
        type Entity = Actor;
        type Shared = Scenery;
        type Input = f32;
        type Event = String;

        fn open(_: &(), room: &mut Room<Self>) -> Result<Self, OpenError> {
            room.shared_mut().tiles = vec![7; 400];
            Ok(Self)
        }

        fn join(&mut self, room: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
            Ok(Seat::Avatar(room.spawn(Actor {
                at: Vec2::ZERO,
                name: "Ada \"the first\"".into(),
                load: 0.0,
            })))
        }

        fn input(&mut self, room: &mut Room<Self>, player: PlayerId, load: f32) {
            let ada = room.avatar(player);
            let Some(actor) = ada.and_then(|id| room.entity_mut(id)) else {
                return;
            };
            actor.load = load;
            actor.at.x += 0.5;
            room.emit(&"ouch".to_owned(), To::All);
        }
    }

    /// What is traced of a step.
    fn step(gallery: &mut Gallery<Stage>, view: &mut View<Stage>, trace: &mut Trace) -> String {
        gallery.step();
        gallery.write();
        let mut lines = Vec::new();
        for message in gallery.take_sent().watched {
            trace.handle_message(message.len());
            match view.apply(&message).expect("our own encoders") {
                downbeat::client::Applied::Welcome => lines.push(trace.welcome(view)),
                downbeat::client::Applied::Frame { .. } => lines.push(trace.tick(view)),
                _ => {}
            }
        }
        lines.join("\n")
    }

    #[test]
    fn the_token_of_a_session_is_not_printed() {
        let mut view = View::<Stage>::new();
        let mut trace = Trace::new("bot-1", &mut view);
        view.welcome = Some(downbeat::wire::Welcome {
            player: 1,
            seat: Seat::Player,
            tick: downbeat::Tick::new(1),
            tick_rate_hz: 20,
            space: downbeat::Space::Whole,
            game: "stage".into(),
            room: "main".into(),
            name: "Ada".into(),
            taken: 0,
            resume: "s3cret".into(),
        });
        let line = trace.welcome(&view);
        assert!(line.contains("\"resume\":\"…\""), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
    }

    #[test]
    fn each_tick_is_a_line_with_what_changed_in_it() {
        let mut gallery = Gallery::<Stage>::open(());
        let ada = gallery.enter(true);
        let mut view = View::new();
        let mut trace = Trace::new("bot-1", &mut view);
        let first = step(&mut gallery, &mut view, &mut trace);
        let (welcome, first) = first.split_once('\n').expect("a welcome and a keyframe");
        assert!(
            welcome.starts_with("bot-1 welcome {\"game\":\"stage\""),
            "{welcome}"
        );
        let tiles = format!("[{}… 400 in all]", "7,".repeat(LIST_MAX));
        assert!(
            first.starts_with("bot-1 tick 1  due 1  ack 0  lead 0  bytes 464"),
            "{first}"
        );
        assert!(
            first.ends_with(&format!(
                "  reset  seat {{\"Avatar\":1}}  shared {{\"act\":0,\"tiles\":{tiles}}}  \
                 +1{{\"at\":[0.0,0.0],\"called\":\"Ada \\\"the first\\\"\",\"load\":0.0}}"
            )),
            "{first}"
        );
        // This room has no clock, so nobody knows how long the input lay: 255 ms or more.
        gallery.input(ada, 1, 0.2);
        assert_eq!(
            trace.input(1, &view, &0.2),
            "bot-1 input 1  seen 1  behind 0  0.2"
        );
        assert_eq!(
            step(&mut gallery, &mut view, &mut trace),
            "bot-1 tick 2  due 2  ack 1  lead 255  bytes 39  ~1{\"at\":[0.5,0.0],\"load\":0.2}  event \"ouch\""
        );
        let id = gallery.room().spawn(Actor {
            at: Vec2::ONE,
            name: String::new(),
            load: 1.5,
        });
        assert_eq!(
            step(&mut gallery, &mut view, &mut trace),
            "bot-1 tick 3  due 3  ack 1  lead 255  bytes 22  +2{\"at\":[1.0,1.0],\"called\":\"\",\"load\":1.5}"
        );
        gallery.room().despawn(id);
        assert_eq!(
            step(&mut gallery, &mut view, &mut trace),
            "bot-1 tick 4  due 4  ack 1  lead 255  bytes 11  -2"
        );
        view.events.clear();
        trace.handle_taken();
        gallery.room().emit(&"again".to_owned(), To::All);
        assert_eq!(
            step(&mut gallery, &mut view, &mut trace),
            "bot-1 tick 5  due 5  ack 1  lead 255  bytes 13  event \"again\""
        );
        view.events.push("told twice?".into());
        assert!(trace.tick(&mut view).contains("heartbeat  event"));
        assert!(!trace.tick(&mut view).contains("event"));
    }
}

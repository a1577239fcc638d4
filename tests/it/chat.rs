//! The shipped chat in two processes of the real program, over each layer that joins them.

use std::time::Duration;

use downbeat::client::View;
use downbeat_scenarios::Chat;
use downbeat_scenarios::chat::{Entry, Event, Input, Kind, Why};

use crate::guard::{eventually, redis};
use crate::member::{Member, connect};
use crate::process::{Home, Program, get};

/// Two processes that talk over a layer, and who is in which.
struct Scene {
    here: Home,
    there: Home,
    _at_home: Program,
    away: Option<Program>,
    ada: Member<Chat>,
    bob: Member<Chat>,
}

impl Scene {
    /// Bob's process comes first: where one passes on for the others, it is that.
    async fn open(layer: &str) -> Self {
        let [here, there] = [(); 2].map(|()| Home::new(layer));
        let (away, at_home) = (there.serve(), here.serve());
        let ada = Member::join(here.port, "lobby", "Ada").await;
        let bob = Member::join(there.port, "lobby", "Bob").await;
        for member in [&ada, &bob] {
            sees_people(member, &["Ada", "Bob"]).await;
        }
        Self {
            here,
            there,
            _at_home: at_home,
            away: Some(away),
            ada,
            bob,
        }
    }

    /// A line reaches both rooms, whoever says it, and whoever comes later.
    async fn lines_are_heard(&mut self) {
        say(&mut self.ada, "hello").await;
        sees_lines(&self.bob, &["Ada: hello"]).await;
        say(&mut self.bob, "hi, Ada").await;
        say(&mut self.ada, "how are you?").await;
        say(&mut self.ada, "Bob?").await;
        let all = [
            "Ada: hello",
            "Bob: hi, Ada",
            "Ada: how are you?",
            "Ada: Bob?",
        ];
        for member in [&self.ada, &self.bob] {
            member
                .sees("all four", |view| {
                    let mut seen = lines(view);
                    let from_ada: Vec<_> = seen.iter().filter(|l| l.starts_with("Ada")).collect();
                    let in_order = from_ada == ["Ada: hello", "Ada: how are you?", "Ada: Bob?"];
                    seen.sort_unstable();
                    let mut all = all;
                    all.sort_unstable();
                    in_order && seen == all
                })
                .await;
        }
        let elsewhere = Member::<Chat>::join(self.there.port, "attic", "Eve").await;
        assert_eq!(elsewhere.look(|view| lines(view)), [""; 0]);
        assert_eq!(elsewhere.look(|view| people(view)), ["Eve"]);
    }

    /// Who writes is shown, and a word for one alone is heard by two.
    async fn words_for_one_are_heard_by_two(&mut self) {
        let on = true;
        self.ada.input(Input::Typing { on });
        self.bob
            .sees("Ada writes", |view| person(view, "Ada").typing)
            .await;
        let mut cleo = Member::<Chat>::join(self.there.port, "lobby", "Cleo").await;
        sees_people(&self.ada, &["Ada", "Bob", "Cleo"]).await;
        let bob = self.ada.look(|view| person(view, "Bob").number);
        let text = "only you".to_owned();
        ask(&mut self.ada, Input::Tell { person: bob, text }).await;
        let is_it = |event: &Event| {
            matches!(event, Event::Direct { from, to, text }
                if (&**from, &**to, &**text) == ("Ada", "Bob", "only you"))
        };
        self.ada.hears("what she said", is_it).await;
        self.bob.hears("what he was told", is_it).await;
        // Whatever was to come before her own line has come.
        say(&mut self.ada, "for all").await;
        cleo.sees("a later line", |view| {
            lines(view).contains(&"Ada: for all".into())
        })
        .await;
        let heard = cleo.look(|view| view.events.iter().any(is_it));
        assert!(!heard, "for Bob alone");
        self.cleo_is_thrown_out(&mut cleo).await;
    }

    /// Not by Ada, who is the eldest in another process, but by Bob, who is it in hers.
    async fn cleo_is_thrown_out(&mut self, cleo: &mut Member<Chat>) {
        let number = |view: &mut View<Chat>| person(view, "Cleo").number;
        let meant = self.ada.look(number);
        ask(&mut self.ada, Input::Kick { person: meant }).await;
        let why = Why::Elsewhere;
        let refused = |event: &Event| *event == Event::Refused { why };
        self.ada.hears("that she may not", refused).await;
        let (meant, minutes) = (self.bob.look(number), 1);
        let mute = Input::Mute {
            person: meant,
            minutes,
        };
        ask(&mut self.bob, mute).await;
        self.ada
            .sees("it here too", |view| person(view, "Cleo").muted)
            .await;
        ask(&mut self.bob, Input::Kick { person: meant }).await;
        let goodbye = (4003, "thrown out by a moderator".to_owned());
        assert_eq!(cleo.goodbye().await, goodbye);
        for member in [&self.ada, &self.bob] {
            sees_people(member, &["Ada", "Bob"]).await;
        }
    }

    /// A program says it in Ada's process, and it is done to Bob in his.
    async fn a_program_takes_bobs_word_and_gives_it_back(&mut self) {
        let group = ["--group", "room.chat.lobby", "--json"];
        for (minutes, muted) in [(1, true), (0, false)] {
            let mute = format!(r#"{{"type":"chat.mute","who":"Bob","minutes":{minutes}}}"#);
            let sent = self.here.send(&[&group[..], &[&mute]].concat());
            assert!(sent.status.success(), "{sent:?}");
            for member in [&self.ada, &self.bob] {
                member
                    .sees(&mute, |view| person(view, "Bob").muted == muted)
                    .await;
            }
            say(&mut self.bob, "mute?").await;
            if muted {
                let why = Why::Muted;
                let refused = |event: &Event| *event == Event::Refused { why };
                self.bob.hears("that he may not", refused).await;
            } else {
                let said = |view: &mut View<Chat>| lines(view).contains(&"Bob: mute?".into());
                self.ada.sees("that he may again", said).await;
            }
        }
    }

    /// Nobody is left behind by a process that was killed, and it may come again.
    async fn bobs_process_dies(&mut self) {
        // What was said is safe there, so that it is there again.
        eventually("all is written", || {
            self.there.metric("downbeat_store_queued") == 0
        })
        .await;
        drop(self.away.take());
        sees_people(&self.ada, &["Ada"]).await;
        let present = get(self.here.admin, "/admin/present?group=room.chat.lobby");
        assert!(present.contains(r#""count":1,"#), "{present}");
        assert!(present.contains(r#""name":"Ada""#), "{present}");

        self.away = Some(self.there.serve());
        let mut dan = Member::<Chat>::join(self.there.port, "lobby", "Dan").await;
        for member in [&self.ada, &dan] {
            sees_people(member, &["Ada", "Dan"]).await;
        }
        dan.sees("what was said before", |view| {
            lines(view).contains(&"Ada: hello".into())
        })
        .await;
        say(&mut self.ada, "welcome back").await;
        dan.sees("a new line", |view| {
            lines(view)
                .last()
                .is_some_and(|line| line == "Ada: welcome back")
        })
        .await;
        say(&mut dan, "thank you").await;
        self.ada
            .sees("his answer", |view| {
                lines(view).contains(&"Dan: thank you".into())
            })
            .await;
        // A program throws her out, for a while.
        let kick = r#"{"type":"chat.kick","who":"Dan"}"#;
        let sent = ["--group", "room.chat.lobby", "--json", kick];
        assert!(self.here.send(&sent).status.success());
        let goodbye = (4003, "thrown out by a moderator".to_owned());
        assert_eq!(dan.goodbye().await, goodbye);
        sees_people(&self.ada, &["Ada"]).await;
        assert!(connect(self.there.port, "/ws/chat/lobby").await.is_ok());
    }
}

/// Asks for something, and again where that was too fast.
async fn ask(member: &mut Member<Chat>, input: Input) {
    loop {
        let seq = member.input(input.clone());
        member
            .sees("it is answered", |view| view.input_ack >= seq)
            .await;
        let why = Why::TooFast;
        let too_fast = |event: &mut Event| *event == Event::Refused { why };
        let was_too_fast = member.look(|view| view.events.extract_if(.., too_fast).count() > 0);
        if !was_too_fast {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn say(member: &mut Member<Chat>, text: &str) {
    let text = text.to_owned();
    ask(member, Input::Say { text }).await;
}

fn entries(view: &View<Chat>, kind: Kind) -> Vec<Entry> {
    let all = view.entities.values();
    let mut entries: Vec<_> = all.filter(|entry| entry.kind == kind).cloned().collect();
    entries.sort_by_key(|entry| entry.number);
    entries
}

/// The lines, as `name: text`, in the order in which they are shown.
fn lines(view: &View<Chat>) -> Vec<String> {
    let lines = entries(view, Kind::Line).into_iter();
    lines
        .map(|line| format!("{}: {}", line.name, line.text))
        .collect()
}

/// The names of all who are here, sorted; one that is there twice is there twice.
fn people(view: &View<Chat>) -> Vec<String> {
    let people = entries(view, Kind::Person).into_iter();
    let mut names: Vec<_> = people.map(|person| person.name).collect();
    names.sort_unstable();
    names
}

fn person(view: &View<Chat>, name: &str) -> Entry {
    let mut people = entries(view, Kind::Person).into_iter();
    let found = people.find(|person| person.name == name);
    found.unwrap_or_else(|| panic!("{name} is not here"))
}

async fn sees_people(member: &Member<Chat>, names: &[&str]) {
    member
        .sees(&format!("{names:?} are here"), |view| people(view) == names)
        .await;
}

async fn sees_lines(member: &Member<Chat>, expected: &[&str]) {
    member
        .sees(&format!("{expected:?}"), |view| lines(view) == expected)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_15_a_line_that_the_store_never_takes_is_shown_and_not_asked_about_for_ever() {
    let home = Home::new("");
    let _program = home.serve();
    let ada = Member::<Chat>::join(home.port, "lobby", "Ada").await;
    let id = "x".repeat(192);
    let said = format!(r#"{{"type":"chat.message","text":"from Django","id":"{id}"}}"#);
    let sent = home.send(&["--group", "room.chat.lobby", "--json", &said]);
    assert!(sent.status.success(), "{sent:?}");
    // Only what is done with has a time.
    ada.sees("the line and its time", |view| {
        let lines = entries(view, Kind::Line);
        lines.iter().any(|l| l.text == "from Django" && l.at_s > 0)
    })
    .await;
}

async fn talk(layer: &str) {
    let mut scene = Scene::open(layer).await;
    scene.lines_are_heard().await;
    scene.words_for_one_are_heard_by_two().await;
    scene.a_program_takes_bobs_word_and_gives_it_back().await;
    scene.bobs_process_dies().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_11_two_processes_chat_over_a_unix_socket_and_one_that_is_killed_leaves_nobody_behind()
{
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("layer.sock");
    talk(&format!(
        "[layer]\nbackend = \"unix\"\nunix_path = {socket:?}\n"
    ))
    .await;
}

async fn talk_over_redis(format: &str) {
    let Some(servers) = redis(1) else { return };
    let host = servers[0].url();
    talk(&format!(
        "[layer]\nbackend = \"redis\"\nformat = \"{format}\"\nhosts = [\"{host}\"]\n"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_11_two_processes_chat_over_redis_pubsub_and_one_that_is_killed_leaves_nobody_behind() {
    talk_over_redis("pubsub").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_11_two_processes_chat_over_redis_core_and_one_that_is_killed_leaves_nobody_behind() {
    talk_over_redis("core").await;
}

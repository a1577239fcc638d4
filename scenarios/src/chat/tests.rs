//! The chat, in a room without a server.

use downbeat::client::View;
use downbeat::layer::{Message as Sent, PresenceEvent, Present, from_message};
use downbeat::testing::{Outward, TestRoom};
use downbeat::{PlayerId, Recipient};

use super::{Chat, Entry, Event, Input, Kept, Kind, Message, Query, Settings, Whence, Why};

const GROUP: &str = "room.chat.test";

fn room() -> TestRoom<Chat> {
    TestRoom::open(Settings::default())
}

fn say(room: &mut TestRoom<Chat>, player: PlayerId, text: &str) {
    room.input(player, Input::Say { text: text.into() });
    room.step(1);
}

fn entries(view: &View<Chat>, kind: Kind) -> Vec<Entry> {
    let mut entries: Vec<_> = view
        .entities
        .values()
        .filter(|entry| entry.kind == kind)
        .cloned()
        .collect();
    entries.sort_by_key(|entry| entry.number);
    entries
}

/// The lines that somebody sees, as `name: text`.
fn lines(room: &TestRoom<Chat>, player: PlayerId) -> Vec<String> {
    let lines = entries(room.view(player), Kind::Line).into_iter();
    lines
        .map(|line| format!("{}: {}", line.name, line.text))
        .collect()
}

fn person(room: &TestRoom<Chat>, player: PlayerId, name: &str) -> Option<Entry> {
    let people = entries(room.view(player), Kind::Person);
    people.into_iter().find(|person| person.name == name)
}

fn refusals(room: &mut TestRoom<Chat>, player: PlayerId) -> Vec<Why> {
    let events = room.events(player).into_iter();
    events
        .filter_map(|event| match event {
            Event::Refused { why } => Some(why),
            _ => None,
        })
        .collect()
}

/// What went out to groups since the last call.
fn sent(room: &mut TestRoom<Chat>) -> Vec<(String, Message)> {
    let outward = room.outward().into_iter();
    outward
        .filter_map(|outward| match outward {
            Outward::GroupSend { group, message } => Some((group, message)),
            Outward::Send { channel, message } => Some((channel, message)),
            _ => None,
        })
        .map(|(to, message)| (to, from_message(&message).expect("a message of the chat")))
        .collect()
}

#[test]
fn a_line_is_seen_by_all_and_by_whoever_comes_later() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    let bob = room.join("Bob").expect("let in");
    say(&mut room, ada, "  hello \u{202e}world\n");
    assert_eq!(lines(&room, bob), ["Ada: hello world"]);
    let eve = room.join("Eve").expect("let in");
    assert_eq!(lines(&room, eve), ["Ada: hello world"]);
}

#[test]
fn the_last_hundred_lines_are_kept_in_order() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    for n in 0..130 {
        say(&mut room, ada, &format!("line {n}"));
        room.step(10);
    }
    let seen = lines(&room, ada);
    let expect: Vec<_> = (30..130).map(|n| format!("Ada: line {n}")).collect();
    assert_eq!(seen, expect);
}

#[test]
fn who_talks_too_fast_too_long_or_of_nothing_is_told_or_ignored() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    room.events(ada);
    say(&mut room, ada, &"x".repeat(501));
    assert_eq!(refusals(&mut room, ada), [Why::TooLong]);
    for _ in 0..8 {
        say(&mut room, ada, "spam");
    }
    assert_eq!(lines(&room, ada).len(), 5);
    assert!(
        refusals(&mut room, ada)
            .iter()
            .all(|&why| why == Why::TooFast)
    );
    room.step(60);
    say(&mut room, ada, "\u{200b} \n");
    assert_eq!(lines(&room, ada).len(), 5);
    assert_eq!(refusals(&mut room, ada), []);
}

#[test]
fn who_writes_is_shown_and_stops_by_itself_or_by_saying_it() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    let bob = room.join("Bob").expect("let in");
    let types = |room: &TestRoom<Chat>| person(room, bob, "Ada").expect("there").typing;
    room.input(ada, Input::Typing { on: true });
    room.step(1);
    assert!(types(&room));
    room.step(45);
    assert!(!types(&room), "four seconds after the last key");
    room.input(ada, Input::Typing { on: true });
    room.step(1);
    say(&mut room, ada, "done");
    assert!(!types(&room));
}

#[test]
fn words_for_one_alone_reach_that_one_alone() {
    let mut room = room();
    let [ada, bob, eve] = ["Ada", "Bob", "Eve"].map(|name| room.join(name).expect("let in"));
    for player in [ada, bob, eve] {
        room.events(player);
    }
    sent(&mut room);
    let number = person(&room, ada, "Bob").expect("there").number;
    let text = "psst".to_owned();
    room.input(
        ada,
        Input::Tell {
            person: number,
            text,
        },
    );
    room.step(1);
    let direct = Event::Direct {
        from: "Ada".into(),
        to: "Bob".into(),
        text: "psst".into(),
    };
    assert_eq!(room.events(bob), std::slice::from_ref(&direct));
    assert_eq!(room.events(ada), [direct]);
    assert_eq!(room.events(eve), []);
    assert_eq!(lines(&room, eve), Vec::<String>::new());
    // Bob may be elsewhere too; what comes back to this room from itself is not said twice.
    let [(to, message)] = &sent(&mut room)[..] else {
        panic!("one message")
    };
    assert!(
        to.contains('!'),
        "the channel of somebody without a user: {to}"
    );
    room.message_to(bob, message);
    room.step(1);
    assert_eq!(room.events(bob), []);
    let text = "?".to_owned();
    room.input(ada, Input::Tell { person: 999, text });
    room.step(1);
    assert_eq!(refusals(&mut room, ada), [Why::NobodyThere]);
}

#[test]
fn a_line_goes_to_the_group_once_and_its_echo_is_not_said_twice() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    sent(&mut room);
    say(&mut room, ada, "hi");
    let [(group, message)] = &sent(&mut room)[..] else {
        panic!("one message")
    };
    assert_eq!(group, GROUP);
    room.message(message);
    room.step(1);
    assert_eq!(lines(&room, ada), ["Ada: hi"]);
}

#[test]
fn row_15_what_django_sends_is_a_line_and_what_nobody_knows_is_dropped() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    let said = Sent::of("chat.message")
        .with("text", "from <b>Django</b>")
        .with("name", "site");
    room.message_raw(said);
    room.message_raw(Sent::of("weather.report").with("text", "rain"));
    room.message_raw(Sent::of("chat.message").with("text", 7));
    room.message_raw(Sent::default());
    room.step(1);
    assert_eq!(lines(&room, ada), ["site: from <b>Django</b>"]);
    say(&mut room, ada, "still here");
    assert_eq!(lines(&room, ada).len(), 2);
}

#[test]
fn the_eldest_moderates_and_hands_on() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    let bob = room.join("Bob").expect("let in");
    room.step(1);
    let moderates = |room: &TestRoom<Chat>, name| person(room, bob, name).expect("there").moderator;
    assert!(moderates(&room, "Ada") && !moderates(&room, "Bob"));
    let number = person(&room, bob, "Ada").expect("there").number;
    room.input(bob, Input::Kick { person: number });
    room.step(1);
    assert_eq!(refusals(&mut room, bob), [Why::NotModerator]);
    room.leave(ada);
    room.step(2);
    assert!(moderates(&room, "Bob"));
}

#[test]
fn who_is_muted_is_not_heard_until_the_time_is_up() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    let bob = room.join("Bob").expect("let in");
    let number = person(&room, ada, "Bob").expect("there").number;
    let mute = |minutes| Input::Mute {
        person: number,
        minutes,
    };
    room.input(ada, mute(1));
    room.step(1);
    room.events(bob);
    say(&mut room, bob, "hello?");
    assert_eq!(refusals(&mut room, bob), [Why::Muted]);
    assert!(person(&room, bob, "Bob").expect("there").muted);
    let is_shown = |room: &TestRoom<Chat>| person(room, bob, "Bob").expect("there").muted;
    room.step(580);
    assert!(is_shown(&room));
    room.step(20);
    assert!(!is_shown(&room));
    say(&mut room, bob, "at last");
    assert_eq!(lines(&room, ada), ["Bob: at last"]);
    // A moderator thinks better of it, and worse again.
    for (minutes, seconds) in [(60, 10), (1, 10), (2, 100)] {
        room.input(ada, mute(minutes));
        room.step(seconds * 10);
        assert!(is_shown(&room));
    }
    room.step(201);
    assert!(!is_shown(&room));
    room.input(ada, mute(60));
    room.step(600);
    room.input(ada, mute(1));
    room.step(601);
    assert!(!is_shown(&room), "the shorter one counts");
    room.input(ada, mute(60));
    room.step(1);
    room.input(ada, mute(0));
    room.step(1);
    say(&mut room, bob, "taken back");
    assert_eq!(lines(&room, ada).len(), 2);
}

#[test]
fn who_is_thrown_out_stays_out_and_from_outside_by_name_as_well() {
    let mut room = room();
    let here = Whence::new(1);
    let [ada, bob] = ["Ada", "Bob"].map(|name| room.join_as(name, here).expect("let in"));
    let eve = room.join("Eve").expect("let in");
    let number = person(&room, ada, "Bob").expect("there").number;
    room.input(ada, Input::Kick { person: number });
    room.step(2);
    let close = room.closed(bob).expect("closed");
    assert_eq!(
        (close.code.number(), close.reason),
        (4003, "thrown out by a moderator")
    );
    assert!(person(&room, ada, "Bob").is_none());
    // He has left his name behind, and comes from where he came from.
    let refusal = room.join_as("Robert", here).expect_err("thrown out");
    assert_eq!(refusal.reason(), "you were thrown out; come back later");
    let zoe = room.join_as("Zoe", Whence::new(2)).expect("let in");
    assert!(room.closed(ada).is_none(), "was here before");
    room.step(3000);
    assert!(room.join_as("Bob", here).is_ok(), "time has passed");
    assert!(room.closed(zoe).is_none());
    room.message_raw(Sent::of("chat.kick").with("who", "Eve"));
    room.step(2);
    assert_eq!(room.closed(eve).expect("closed").code.number(), 4003);
    assert!(room.closed(ada).is_none());
}

#[test]
fn a_guest_who_is_muted_is_so_when_it_comes_anew_and_others_from_there_are_not() {
    let mut room = room();
    let here = Whence::new(1);
    let [ada, bob] = ["Ada", "Bob"].map(|name| room.join_as(name, here).expect("let in"));
    let number = person(&room, ada, "Bob").expect("there").number;
    let minutes = 10;
    let mute = |person, minutes| Input::Mute { person, minutes };
    room.input(ada, mute(number, minutes));
    room.step(1);
    room.leave(bob);
    room.step(100);
    let rob = room.join_as("Rob", here).expect("let in");
    room.events(rob);
    say(&mut room, rob, "it is me");
    assert_eq!(refusals(&mut room, rob), [Why::Muted]);
    assert!(person(&room, ada, "Rob").expect("there").muted);
    say(&mut room, ada, "not me");
    let eve = room.join_as("Eve", Whence::new(2)).expect("let in");
    say(&mut room, eve, "nor me");
    assert_eq!(lines(&room, ada), ["Ada: not me", "Eve: nor me"]);
    // Its time is up when the first one's would have been.
    room.step(5900);
    assert!(!person(&room, ada, "Rob").expect("there").muted);
    room.input(ada, mute(number + 1, minutes));
    room.step(10);
    room.input(ada, mute(number + 1, 0));
    room.step(10);
    let bob = room.join_as("Bob", here).expect("let in");
    assert!(!person(&room, bob, "Bob").expect("there").muted);
}

#[test]
fn who_is_elsewhere_is_moderated_by_those_alone_whom_the_settings_name() {
    for named in [false, true] {
        let ada = "session.test!1".to_owned();
        let moderators = if named { vec![ada] } else { Vec::new() };
        let mut room = TestRoom::<Chat>::open(Settings {
            moderators,
            ..Settings::default()
        });
        let ada = room.join("Ada").expect("let in");
        let zoe = Present {
            id: "7".into(),
            name: "Zoe".into(),
        };
        room.presence(GROUP, PresenceEvent::Joined(zoe));
        room.step(1);
        room.events(ada);
        sent(&mut room);
        let number = person(&room, ada, "Zoe").expect("there").number;
        room.input(ada, Input::Kick { person: number });
        room.step(1);
        let kick = Message::ChatKick { who: "7".into() };
        let (told, refused) = if named {
            (vec![(GROUP.to_owned(), kick)], vec![])
        } else {
            (vec![], vec![Why::Elsewhere])
        };
        assert_eq!(sent(&mut room), told);
        assert_eq!(refusals(&mut room, ada), refused);
    }
}

#[test]
fn people_elsewhere_are_listed_for_as_long_as_the_layer_says() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    let zoe = Present {
        id: "7".into(),
        name: "Zoe".into(),
    };
    room.presence(GROUP, PresenceEvent::Joined(zoe.clone()));
    room.step(1);
    assert!(person(&room, ada, "Zoe").is_some());
    room.message_raw(Sent::of("chat.typing").with("who", "7"));
    room.step(1);
    assert!(person(&room, ada, "Zoe").expect("there").typing);
    room.presence(GROUP, PresenceEvent::Left(zoe));
    room.step(1);
    assert!(person(&room, ada, "Zoe").is_none());
    // What the layer says of those who are here makes nobody twice, nor takes anybody away.
    let own = Present {
        id: "session.test!1".into(),
        name: "Ada".into(),
    };
    for event in [PresenceEvent::Joined(own.clone()), PresenceEvent::Left(own)] {
        room.presence(GROUP, event);
        room.step(1);
        assert_eq!(entries(room.view(ada), Kind::Person).len(), 1);
    }
}

fn kept(id: &str, text: &str) -> Kept {
    Kept {
        id: id.into(),
        name: "Old".into(),
        text: text.into(),
        at_s: 1_700_000_000,
    }
}

#[test]
fn history_comes_before_what_was_said_while_it_was_on_its_way() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    let [Query::History { lines: None, .. }] = &room.queries()[..] else {
        panic!("the room asks for its history when it opens")
    };
    say(&mut room, ada, "early");
    let history = vec![kept("x.1", "one"), kept("x.2", "two")];
    room.answer(Query::History {
        room: "test".into(),
        lines: Some(history),
    });
    room.step(1);
    assert_eq!(lines(&room, ada), ["Old: one", "Old: two", "Ada: early"]);
}

#[test]
fn a_store_that_does_not_answer_is_asked_again_and_nothing_is_lost() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    let asked = room.queries();
    for n in 0..3 {
        say(&mut room, ada, &format!("line {n}"));
    }
    let keeps = room.queries();
    assert_eq!(keeps.len(), 3);
    // The questions come back as they were asked.
    for query in asked.into_iter().chain(keeps) {
        room.answer(query);
    }
    room.step(1);
    assert_eq!(room.queries(), []);
    room.step(100);
    let again = room.queries();
    assert_eq!(
        again.len(),
        4,
        "once each, however many came back: {again:?}"
    );
    for query in again {
        let Query::Keep {
            room: of, mut line, ..
        } = query
        else {
            continue;
        };
        line.at_s = 1_700_000_000;
        room.answer(Query::Keep {
            room: of,
            line,
            kept: true,
        });
    }
    room.step(1);
    let told = entries(room.view(ada), Kind::Line);
    assert!(told.iter().all(|line| line.at_s == 1_700_000_000));
    room.step(300);
    let rest = room.queries();
    let keeps = rest
        .iter()
        .filter(|query| matches!(query, Query::Keep { .. }));
    assert_eq!(keeps.count(), 0);
}

#[test]
fn a_gap_is_told() {
    let mut room = room();
    let ada = room.join("Ada").expect("let in");
    room.events(ada);
    room.missed(Recipient::Room);
    room.step(1);
    assert_eq!(room.events(ada), [Event::Missed]);
}

#[test]
fn bots_talk_and_nothing_they_do_ends_the_room() {
    let mut room = room();
    let players: Vec<_> = (0..8).map(|_| room.join("bot").expect("let in")).collect();
    let mut bots: Vec<_> = (0..8).map(<Chat as downbeat::Game>::bot).collect();
    let mut rng = downbeat::seeded(1, "test", 0, "bot");
    for _ in 0..600 {
        for (&player, bot) in players.iter().zip(&mut bots) {
            let bot = bot.as_mut().expect("has a bot");
            if let Some(input) = bot.think(room.view(player), &mut rng) {
                room.input(player, input);
            }
        }
        room.step(1);
    }
    assert_eq!(lines(&room, players[0]).len(), super::lines::LINES_MAX);
}

//! Rooms on a layer: in a test room, and in a world with real mailboxes.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};

use crate::client::View;
use crate::layer::{MemoryLayer, Received, Receiver, Value, open_queue};
use crate::link_memory::MemoryPeer;
use crate::testing::{MemoryLink, TestRoom, VirtualWorld, memory_link};
use crate::user::UserId;
use crate::wire::Close;
use crate::{
    Entrant, Host, HostConfig, OpenError, Outgoing, Refusal, Seat, Seated, To, WorldConfig,
};

use super::*;

/// Tells everybody what it hears, and does what players ask.
#[derive(Serialize, Deserialize)]
struct Parrot;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Wish {
    Join(String),
    Leave(String),
    RoomJoin(String),
    Say(String, String),
    Tell(String, String),
    Appear(String),
    Vanish(String),
    Watch(String),
    Ask(u32),
    AskMany(u32),
    Kick,
    Close,
    Panic,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Note {
    ChatMessage { text: String },
    ChatCrash,
}

impl Note {
    fn says(text: &str) -> Self {
        Self::ChatMessage { text: text.into() }
    }
}

#[crate::game]
impl Game for Parrot {
    const NAME: &'static str = "parrot";
    type Input = Wish;
    type Event = String;
    type Message = Note;
    type Query = u32;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        match player.name.as_str() {
            "nobody" => Err(Refusal::new("not you")),
            _ => Ok(Seat::Player),
        }
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, wish: Wish) {
        let done = match wish {
            Wish::Join(group) => room.group_add(player, &group),
            Wish::Leave(group) => room.group_discard(player, &group),
            Wish::RoomJoin(group) => room.join_group(&group),
            Wish::Say(group, text) => {
                let said = room.group_send(&group, &Note::ChatMessage { text });
                return tell(
                    room,
                    said.map_or_else(|error| error.to_string(), |()| "said".into()),
                );
            }
            Wish::Tell(channel, text) => {
                room.send_raw(&channel, Message::of("chat.message").with("text", text))
            }
            Wish::Appear(group) => room.appear(player, &group),
            Wish::Vanish(group) => room.vanish(player, &group),
            Wish::Watch(group) => room.watch(&group),
            Wish::Ask(number) => {
                room.query(number);
                Ok(())
            }
            Wish::AskMany(queries) => {
                (0..queries).for_each(|number| room.query(number));
                Ok(())
            }
            Wish::Kick => {
                room.kick(player, "as you wish");
                Ok(())
            }
            Wish::Close => {
                room.close();
                Ok(())
            }
            Wish::Panic => panic!("as you wish"),
        };
        if let Err(error) = done {
            tell(room, error.to_string());
        }
    }

    fn message(&mut self, room: &mut Room<Self>, to: Recipient, message: &Note) {
        let Note::ChatMessage { text } = message else {
            panic!("as you wish");
        };
        tell(room, format!("{} hears {text}", who(to)));
    }

    fn missed(&mut self, room: &mut Room<Self>, to: Recipient) {
        tell(room, format!("{} missed something", who(to)));
    }

    fn presence(&mut self, room: &mut Room<Self>, group: &str, event: &PresenceEvent) {
        let here: Vec<_> = room
            .present(group)
            .map(|(_, name)| name.to_owned())
            .collect();
        let event = match event {
            PresenceEvent::Joined(who) => format!("+{}", who.name),
            PresenceEvent::Left(who) => format!("-{}", who.name),
            PresenceEvent::Missed => "?".into(),
        };
        tell(room, format!("{event} {here:?}"));
    }

    fn loaded(&mut self, room: &mut Room<Self>, answer: u32) {
        tell(room, format!("loaded {answer}"));
    }
}

fn tell(room: &mut Room<Parrot>, text: String) {
    room.emit(&text, To::All);
}

fn who(to: Recipient) -> String {
    match to {
        Recipient::Room => "room".into(),
        Recipient::Player(player) => player.to_string(),
    }
}

mod in_a_test_room {
    use super::*;

    fn open() -> (TestRoom<Parrot>, PlayerId) {
        let mut room = TestRoom::open(());
        let ada = room.join("Ada").expect("let in");
        (room, ada)
    }

    #[test]
    fn messages_reach_the_game_by_type_and_others_are_counted() {
        let (mut room, ada) = open();
        room.message(&Note::says("a"));
        room.message_to(ada, &Note::says("b"));
        room.message_to(PlayerId::new(9), &Note::says("nobody is there"));
        room.message_raw(Message::of("chat_message").with("text", "c"));
        room.message_raw(Message::of("chat.shout").with("text", "d"));
        room.message_raw(Message::of("chat.message"));
        room.message_raw(Message::default());
        room.missed(Recipient::Player(ada));
        room.step(1);
        let heard = [
            "room hears a",
            "1 hears b",
            "room hears c",
            "1 missed something",
        ];
        assert_eq!(room.events(ada), heard);
        let counters = room.counters();
        assert_eq!(counters.layer_messages.value(), 3);
        assert_eq!(counters.layer_unknown.value(), 2);
        assert_eq!(counters.layer_malformed.value(), 1);
        assert_eq!(counters.layer_missed.value(), 1);
    }

    #[test]
    fn what_a_room_asks_of_the_layer_is_kept_in_order() {
        let (mut room, ada) = open();
        let group = || "lobby".to_owned();
        for wish in [
            Wish::Join(group()),
            Wish::Appear(group()),
            Wish::Say(group(), "hi".into()),
        ] {
            room.input(ada, wish);
        }
        room.step(1);
        let channel: Arc<str> = "session.test!1".into();
        let message = Arc::new(Message::of("chat.message").with("text", "hi"));
        let who = Present {
            id: channel.to_string(),
            name: "Ada".into(),
        };
        assert_eq!(room.room().channel(ada), Some(&*channel));
        assert_eq!(room.room().own_channel(), Some("room.test!0"));
        assert_eq!(
            room.outward(),
            [
                Outward::GroupAdd {
                    group: group(),
                    channel: Arc::clone(&channel),
                },
                Outward::Appear {
                    group: group(),
                    channel,
                    who,
                },
                Outward::GroupSend {
                    group: group(),
                    message,
                },
            ]
        );
        assert_eq!(room.outward(), []);
    }

    #[test]
    fn a_bad_name_is_an_error_and_no_end_of_the_room() {
        let (mut room, ada) = open();
        let bad = || "a lobby\n".to_owned();
        for wish in [
            Wish::Join(bad()),
            Wish::Leave(bad()),
            Wish::RoomJoin(bad()),
            Wish::Say(bad(), "x".into()),
            Wish::Tell(bad(), "x".into()),
            Wish::Appear(bad()),
            Wish::Vanish(bad()),
            Wish::Watch(bad()),
        ] {
            room.input(ada, wish);
            room.step(1);
            let events = room.events(ada);
            assert!(
                events.len() == 1 && events[0].contains("is no name"),
                "{events:?}"
            );
        }
        assert_eq!(room.outward(), []);
    }

    #[test]
    fn presence_is_news_only_once() {
        use PresenceEvent::{Joined, Left, Missed};
        let (mut room, ada) = open();
        room.input(ada, Wish::Watch("lobby".into()));
        room.step(1);
        let who = |name: &str| Present {
            id: name.to_lowercase(),
            name: name.into(),
        };
        for (group, event) in [
            ("lobby", Joined(who("Bob"))),
            ("lobby", Joined(who("Bob"))),
            ("other", Joined(who("Eve"))),
            ("lobby", Missed),
            ("lobby", Left(who("Eve"))),
            ("lobby", Joined(who("Cy"))),
            ("lobby", Left(who("Bob"))),
        ] {
            room.presence(group, event);
        }
        room.step(1);
        let expected = ["+Bob [\"Bob\"]", "+Cy [\"Bob\", \"Cy\"]", "-Bob [\"Cy\"]"];
        assert_eq!(room.events(ada), expected);
    }

    #[test]
    fn queries_are_kept_and_answered_by_the_test() {
        let (mut room, ada) = open();
        room.input(ada, Wish::Ask(3));
        room.step(1);
        assert_eq!(room.queries(), [3]);
        room.answer(4);
        room.step(1);
        assert_eq!(room.events(ada), ["loaded 4"]);
    }

    #[test]
    fn a_close_from_outside_ends_a_membership_or_the_room() {
        let (mut room, ada) = open();
        let bob = room.join("Bob").expect("let in");
        room.message_raw_to(ada, Message::of("downbeat.close"));
        room.step(1);
        let close = room.closed(ada).expect("closed");
        assert_eq!(close.code.number(), 4003);
        assert_eq!(close.reason, "disconnected by the operator");
        assert_eq!(room.closed(bob), None);
        room.message_raw(Message::of("downbeat.close"));
        room.step(1);
        assert_eq!(
            room.closed(bob).map(|close| close.code.number()),
            Some(4004)
        );
    }
}

mod in_a_world {
    use super::*;

    struct Stage {
        world: VirtualWorld,
        host: Host<Parrot, MemoryLink>,
        layer: Arc<MemoryLayer>,
    }

    struct Peer {
        link: MemoryPeer,
        view: View<Parrot>,
        seq: u32,
        seated: Seated,
        closed: Option<Close>,
    }

    const TICK: Duration = Duration::from_millis(50);

    impl Stage {
        fn new() -> Self {
            Self::with(LayerLimits::default(), None)
        }

        fn with(limits: LayerLimits, answer: Option<crate::Answerer<Parrot>>) -> Self {
            let world = VirtualWorld::new(&WorldConfig::default());
            let layer = MemoryLayer::new(limits);
            let config = HostConfig {
                layer: Some(Arc::<MemoryLayer>::clone(&layer)),
                answer,
                ..HostConfig::default()
            };
            let host = Host::new(world.handle(), config);
            Self { world, host, layer }
        }

        async fn enter(&mut self, room: &str, name: &str) -> Peer {
            let (link, peer) = memory_link(usize::MAX);
            let mut entrant = Entrant::named(name);
            entrant.user = UserId::new(&name.to_lowercase()).ok();
            entrant.resume = "r".repeat(43);
            let entered = self.host.enter(room, true, entrant, link);
            let mut peer = Peer {
                link: peer,
                view: View::new(),
                seq: 0,
                seated: entered.map_err(|(error, _)| error).expect("on the way in"),
                closed: None,
            };
            self.run(2, &mut [&mut peer]).await;
            peer
        }

        async fn run(&mut self, ticks: u32, peers: &mut [&mut Peer]) {
            self.world.advance(TICK * ticks).await;
            for peer in peers {
                peer.read();
            }
        }

        /// From now on tells everything that is sent to a group.
        async fn listen(&self, group: &str) -> Receiver {
            let limits = self.layer.limits();
            let queue = open_queue(&*self.layer, Address::Unique("test"), limits);
            let queue = queue.expect("a channel");
            self.layer
                .group_add(group, queue.name())
                .await
                .expect("added");
            queue
        }

        async fn group_send(&self, group: &str, message: Message) {
            let sent = self.layer.group_send(group, Arc::new(message)).await;
            sent.expect("sent");
        }
    }

    impl Peer {
        fn read(&mut self) {
            for outgoing in self.link.take() {
                match outgoing {
                    Outgoing::Frame(bytes) => _ = self.view.apply(&bytes).expect("readable"),
                    Outgoing::Close(close) => self.closed = Some(close),
                    _ => {}
                }
            }
            if self.view.welcome.is_some() {
                self.link.send_bytes(self.view.seen());
            }
        }

        fn wish(&mut self, wish: Wish) {
            self.seq += 1;
            self.link.send_bytes(self.view.input(self.seq, wish));
        }

        fn events(&mut self) -> Vec<String> {
            std::mem::take(&mut self.view.events)
        }

        fn close_code(&self) -> Option<u16> {
            self.closed.map(|close| close.code.number())
        }
    }

    fn says(text: &str) -> Message {
        to_message(&Note::says(text)).expect("a message")
    }

    #[tokio::test(start_paused = true)]
    async fn rooms_and_users_are_in_their_groups_from_the_beginning() {
        let mut stage = Stage::new();
        let mut ada = stage.enter("main", "Ada").await;
        stage.group_send("room.parrot.main", says("a")).await;
        stage.group_send("user.ada", says("b")).await;
        stage.group_send("user.bob", says("c")).await;
        stage.run(1, &mut [&mut ada]).await;
        assert_eq!(ada.events(), ["room hears a", "1 hears b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn members_talk_to_other_rooms_and_to_programs() {
        let mut stage = Stage::new();
        let program = stage.listen("lobby").await;
        let mut ada = stage.enter("a", "Ada").await;
        let mut bob = stage.enter("b", "Bob").await;
        bob.wish(Wish::Join("lobby".into()));
        stage.run(1, &mut [&mut ada, &mut bob]).await;
        ada.wish(Wish::Say("lobby".into(), "hello".into()));
        stage.run(3, &mut [&mut ada, &mut bob]).await;
        assert_eq!(ada.events(), ["said"]);
        assert_eq!(bob.events(), ["1 hears hello"]);
        let heard = Arc::new(says("hello"));
        assert_eq!(program.try_receive(), Some(Received::Message(heard)));
        bob.wish(Wish::Leave("lobby".into()));
        ada.wish(Wish::Tell(program.name().to_string(), "psst".into()));
        stage.run(2, &mut [&mut ada, &mut bob]).await;
        let heard = Arc::new(says("psst"));
        assert_eq!(program.try_receive(), Some(Received::Message(heard)));
        ada.wish(Wish::Say("lobby".into(), "anybody?".into()));
        stage.run(3, &mut [&mut ada, &mut bob]).await;
        assert_eq!(bob.events(), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_room_sends_arrives_in_order() {
        let mut stage = Stage::new();
        let program = stage.listen("lobby").await;
        let mut ada = stage.enter("a", "Ada").await;
        for number in 0..40 {
            ada.wish(Wish::Say("lobby".into(), number.to_string()));
            stage.run(1, &mut [&mut ada]).await;
        }
        for number in 0..40 {
            let heard = Arc::new(says(&number.to_string()));
            assert_eq!(program.try_receive(), Some(Received::Message(heard)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_connection_keeps_channel_groups_and_presence() {
        let mut stage = Stage::new();
        let mut ada = stage.enter("main", "Ada").await;
        let mut bob = stage.enter("main", "Bob").await;
        ada.wish(Wish::Join("lobby".into()));
        ada.wish(Wish::Appear("lobby".into()));
        stage.run(1, &mut [&mut ada, &mut bob]).await;
        ada.link.vanish();
        stage.run(4, &mut [&mut bob]).await;
        stage.group_send("lobby", says("while away")).await;
        stage.run(1, &mut [&mut bob]).await;
        assert_eq!(bob.events(), ["1 hears while away"]);
        let (link, peer) = memory_link(usize::MAX);
        let resumed = stage.host.resume("main", ada.seated, "s".repeat(43), link);
        assert!(resumed.is_ok());
        ada.link = peer;
        ada.view = View::new();
        stage.run(3, &mut [&mut ada, &mut bob]).await;
        bob.events();
        stage.group_send("lobby", says("back")).await;
        stage.run(1, &mut [&mut ada, &mut bob]).await;
        assert_eq!(bob.events(), ["1 hears back"]);
        let present = stage.layer.present("lobby").await.expect("a list");
        assert_eq!(present.first().map(|who| who.id.as_str()), Some("ada"));
    }

    /// However a membership ends, nothing of it stays on the layer.
    async fn check_gone(end: impl AsyncFnOnce(&mut Stage, &mut Peer)) {
        let mut stage = Stage::new();
        let mut ada = stage.enter("main", "Ada").await;
        ada.wish(Wish::Join("lobby".into()));
        ada.wish(Wish::Appear("lobby".into()));
        ada.wish(Wish::Watch("lobby".into()));
        stage.run(2, &mut [&mut ada]).await;
        assert_eq!(
            stage.layer.present("lobby").await.map(|all| all.len()),
            Ok(1)
        );
        end(&mut stage, &mut ada).await;
        stage.run(3, &mut [&mut ada]).await;
        assert_eq!(
            stage.layer.present("lobby").await.map(|all| all.len()),
            Ok(0)
        );
        let before = stage.layer.counts().delivered;
        stage.group_send("lobby", says("anybody?")).await;
        stage.group_send("user.ada", says("anybody?")).await;
        assert_eq!(stage.layer.counts().delivered, before);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_stays_of_who_leaves() {
        check_gone(async |_, ada| {
            let close = Close::with_reason(crate::wire::CloseCode::Normal, "");
            ada.link
                .send(crate::Incoming::Close(Some(close.code.number())));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_stays_of_who_is_kicked() {
        check_gone(async |_, ada| ada.wish(Wish::Kick)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_stays_of_a_room_that_closes() {
        check_gone(async |_, ada| ada.wish(Wish::Close)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_stays_of_a_room_that_panics() {
        check_gone(async |_, ada| ada.wish(Wish::Panic)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_stays_of_a_room_that_panics_over_a_message() {
        check_gone(async |stage, _| {
            let crash = to_message(&Note::ChatCrash).expect("a message");
            stage.group_send("user.ada", crash).await;
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_operator_closes_a_user_by_its_group() {
        let mut stage = Stage::new();
        let mut ada = stage.enter("main", "Ada").await;
        let mut bob = stage.enter("main", "Bob").await;
        stage
            .group_send("user.ada", Message::of("downbeat.close"))
            .await;
        stage.run(2, &mut [&mut ada, &mut bob]).await;
        assert_eq!((ada.close_code(), bob.close_code()), (Some(4003), None));
        stage
            .group_send("room.parrot.main", Message::of("downbeat.close"))
            .await;
        stage.run(2, &mut [&mut ada, &mut bob]).await;
        assert_eq!(bob.close_code(), Some(4004));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_channel_loses_its_own_messages_and_is_told_once() {
        let limits = LayerLimits {
            capacity: 3,
            channel_capacity: vec![("room.*".into(), 5)],
            ..LayerLimits::default()
        };
        let mut stage = Stage::with(limits, None);
        let mut ada = stage.enter("main", "Ada").await;
        for number in 0..8 {
            stage
                .group_send("user.ada", says(&number.to_string()))
                .await;
            stage
                .group_send("room.parrot.main", says(&number.to_string()))
                .await;
        }
        stage.run(1, &mut [&mut ada]).await;
        let of = |who: &str, events: &[String]| {
            let of_it = events.iter().filter(|event| event.starts_with(who));
            of_it
                .map(|event| event[who.len()..].to_owned())
                .collect::<Vec<_>>()
        };
        let events = ada.events();
        assert_eq!(
            of("1 ", &events),
            ["hears 0", "hears 1", "hears 2", "missed something"]
        );
        let room = [
            "hears 0",
            "hears 1",
            "hears 2",
            "hears 3",
            "hears 4",
            "missed something",
        ];
        assert_eq!(of("room ", &events), room);
        assert_eq!(stage.layer.counts().full, 5 + 3);
        stage.group_send("user.ada", says("again")).await;
        stage.run(1, &mut [&mut ada]).await;
        assert_eq!(ada.events(), ["1 hears again"]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_message_to_many_only_the_full_lose_theirs() {
        let limits = LayerLimits {
            capacity: 2,
            ..LayerLimits::default()
        };
        let mut stage = Stage::with(limits, None);
        let mut ada = stage.enter("main", "Ada").await;
        let mut bob = stage.enter("main", "Bob").await;
        for member in [&mut ada, &mut bob] {
            member.wish(Wish::Join("lobby".into()));
        }
        stage.run(2, &mut [&mut ada, &mut bob]).await;
        stage.group_send("lobby", says("to both")).await;
        stage.group_send("user.ada", says("to her")).await;
        stage.group_send("lobby", says("to him")).await;
        assert_eq!(stage.layer.counts().full, 1);
        stage.run(1, &mut [&mut ada, &mut bob]).await;
        let heard = [
            "1 hears to both",
            "2 hears to both",
            "1 hears to her",
            "2 hears to him",
            "1 missed something",
        ];
        assert_eq!(bob.events(), heard);
        for number in 0..2 {
            stage.group_send("lobby", says(&number.to_string())).await;
        }
        assert_eq!(stage.layer.counts().full, 1, "all of it has been taken in");
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_sees_who_is_present_elsewhere_before_and_after_it_looks() {
        let mut stage = Stage::new();
        let mut ada = stage.enter("a", "Ada").await;
        ada.wish(Wish::Appear("lobby".into()));
        stage.run(2, &mut [&mut ada]).await;
        let mut bob = stage.enter("b", "Bob").await;
        bob.wish(Wish::Watch("lobby".into()));
        stage.run(3, &mut [&mut ada, &mut bob]).await;
        assert_eq!(bob.events(), ["+Ada [\"Ada\"]"]);
        bob.wish(Wish::Appear("lobby".into()));
        stage.run(3, &mut [&mut ada, &mut bob]).await;
        assert_eq!(bob.events(), ["+Bob [\"Ada\", \"Bob\"]"]);
        ada.wish(Wish::Kick);
        stage.run(3, &mut [&mut ada, &mut bob]).await;
        assert_eq!(bob.events(), ["-Ada [\"Bob\"]"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_asks_until_it_is_told_who_is_present() {
        let mut stage = Stage::new();
        let mut ada = stage.enter("a", "Ada").await;
        ada.wish(Wish::Appear("lobby".into()));
        stage.run(2, &mut [&mut ada]).await;
        stage.layer.refuse_lists(3);
        let mut bob = stage.enter("b", "Bob").await;
        bob.wish(Wish::Watch("lobby".into()));
        stage.run(3, &mut [&mut ada, &mut bob]).await;
        assert_eq!(bob.events(), [""; 0]);
        for _ in 0..4 {
            stage.run(20, &mut [&mut ada, &mut bob]).await;
        }
        assert_eq!(bob.events(), ["+Ada [\"Ada\"]"]);
    }

    #[tokio::test(start_paused = true)]
    async fn queries_are_answered_and_a_failing_one_comes_back() {
        let answer: crate::Answerer<Parrot> = Arc::new(|query| {
            Box::pin(async move {
                match query {
                    1 => panic!("no database"),
                    2 => {
                        std::future::pending::<()>().await;
                    }
                    _ => {}
                }
                query * 100
            })
        });
        let mut stage = Stage::with(LayerLimits::default(), Some(answer));
        let mut ada = stage.enter("main", "Ada").await;
        for query in [1, 2, 3] {
            ada.wish(Wish::Ask(query));
        }
        stage.run(3, &mut [&mut ada]).await;
        let mut events = ada.events();
        events.sort_unstable();
        assert_eq!(events, ["loaded 1", "loaded 300"]);
        for _ in 0..62 {
            stage.run(10, &mut [&mut ada]).await;
        }
        assert_eq!(ada.events(), ["loaded 2"], "it took too long");
        let handle = stage.world.handle();
        assert_eq!(handle.counters().queries_failed.value(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn questions_do_not_wait_for_a_layer_that_does_not_answer() {
        let mut stage = Stage::new();
        let mut ada = stage.enter("a", "Ada").await;
        ada.wish(Wish::Appear("lobby".into()));
        stage.run(2, &mut [&mut ada]).await;
        stage.layer.hold_messages();
        for wish in [
            Wish::Say("lobby".into(), "is anybody there?".into()),
            Wish::Watch("lobby".into()),
            Wish::Ask(7),
        ] {
            ada.wish(wish);
        }
        stage.run(3, &mut [&mut ada]).await;
        let mut events = ada.events();
        events.sort_unstable();
        assert_eq!(events, ["+Ada [\"Ada\"]", "loaded 7", "said"]);
    }

    #[tokio::test(start_paused = true)]
    async fn each_of_many_questions_comes_back_within_the_time_of_one() {
        const QUERIES: usize = 4 * crate::limits::QUERIES_IN_FLIGHT_MAX;
        let answer: crate::Answerer<Parrot> =
            Arc::new(|query| Box::pin(std::future::pending().map(move |()| query)));
        let mut stage = Stage::with(LayerLimits::default(), Some(answer));
        let mut ada = stage.enter("main", "Ada").await;
        ada.wish(Wish::AskMany(QUERIES.try_into().expect("few")));
        for _ in 0..29 {
            stage.run(20, &mut [&mut ada]).await;
        }
        assert_eq!(ada.events(), [""; 0]);
        for _ in 0..2 {
            stage.run(20, &mut [&mut ada]).await;
        }
        assert_eq!(
            ada.events().len(),
            QUERIES,
            "half a minute after the question"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_anybody_to_answer_a_query_comes_back() {
        let mut stage = Stage::new();
        let mut ada = stage.enter("main", "Ada").await;
        ada.wish(Wish::Ask(7));
        stage.run(3, &mut [&mut ada]).await;
        assert_eq!(ada.events(), ["loaded 7"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_empty_room_hears_does_not_keep_it_open() {
        let mut stage = Stage::new();
        let mut ada = stage.enter("main", "Ada").await;
        for _ in 0..2 {
            ada.link.send(crate::Incoming::Close(Some(1000)));
            for _ in 0..5 {
                stage.run(20 * 10, &mut []).await;
                assert_eq!(stage.host.rooms().len(), 1, "kept for a minute");
                stage.group_send("room.parrot.main", says("hello?")).await;
            }
            // Somebody who was there is a reason to wait for another minute.
            ada = stage.enter("main", "Ada").await;
        }
        ada.link.send(crate::Incoming::Close(Some(1000)));
        for _ in 0..7 {
            stage.run(20 * 10, &mut []).await;
            stage.group_send("room.parrot.main", says("hello?")).await;
        }
        assert_eq!(stage.host.rooms().len(), 0);
        assert_eq!(stage.world.handle().counters().rooms_open.value(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_turned_away_leaves_nothing_behind() {
        let mut stage = Stage::new();
        let mut nobody = stage.enter("main", "nobody").await;
        stage.run(2, &mut [&mut nobody]).await;
        assert_eq!(nobody.close_code(), Some(4003));
        let before = stage.layer.counts().delivered;
        stage.group_send("user.nobody", says("anybody?")).await;
        assert_eq!(stage.layer.counts().delivered, before);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_messages_keeps_nobody_out() {
        let limits = LayerLimits {
            capacity: usize::MAX,
            ..LayerLimits::default()
        };
        let mut stage = Stage::with(limits, None);
        let mut ada = stage.enter("main", "Ada").await;
        let unknown = Arc::new(Message::of("flood").with("value", Value::Null));
        for _ in 0..=crate::limits::INBOX_MESSAGES_MAX {
            let sent = stage
                .layer
                .group_send("user.ada", Arc::clone(&unknown))
                .await;
            sent.expect("never an error");
        }
        assert_eq!(stage.layer.counts().full, 1);
        let bob = stage.enter("main", "Bob").await;
        ada.read();
        assert!(bob.view.welcome.is_some(), "there is room to join");
        assert_eq!(ada.events(), ["1 missed something"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_to_two_takes_the_place_of_two() {
        let limits = LayerLimits {
            capacity: usize::MAX,
            ..LayerLimits::default()
        };
        let mut stage = Stage::with(limits, None);
        let mut ada = stage.enter("main", "Ada").await;
        let mut bob = stage.enter("main", "Bob").await;
        for member in [&mut ada, &mut bob] {
            member.wish(Wish::Join("lobby".into()));
        }
        stage.run(2, &mut [&mut ada, &mut bob]).await;
        for _ in 0..=crate::limits::INBOX_MESSAGES_MAX / 2 {
            stage.group_send("lobby", Message::of("flood")).await;
        }
        assert_eq!(stage.layer.counts().full, 2);
        stage.run(1, &mut [&mut ada, &mut bob]).await;
        assert_eq!(bob.events(), ["1 missed something", "2 missed something"]);
        stage.group_send("lobby", says("again")).await;
        stage.run(1, &mut [&mut ada, &mut bob]).await;
        assert_eq!(bob.events(), ["1 hears again", "2 hears again"]);
    }
}

//! Players in a room of the server, and consumers of the real Django Channels: both formats, plain
//! and sealed, on one host and on two. The layers alone are held to more in `server/tests/redis`.

use std::time::Duration;

use downbeat::client::View;
use downbeat::{
    Game, OpenError, Player, PlayerId, Recipient, Refusal, Replicate, Room, Seat, layer,
};
use downbeat_server::config::RedisFormat;
use downbeat_server::{App, Config};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::django::{Django, python};
use crate::guard::{Setup, redis};
use crate::member::Member;

/// What queues hold in these tests, there and here: none must be lost below capacity.
const CAPACITY: u32 = 6000;

/// Messages each way.
const COUNT: usize = 1000;

/// Members of the room.
const PLAYERS: usize = 4;

/// The group of all of them.
const GROUP: &str = "players";

/// The group that the consumer of the Django project is in.
const LOBBY: &str = "lobby";

/// Tells what it hears, and passes on what its members say.
#[derive(Serialize, Deserialize)]
struct Post;

/// Something that somebody was told. It is state and no event, so that a test on a busy machine
/// need not read as fast as it is told.
#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Told {
    to: u32,
    place: u32,
    n: i64,
}

/// What a member may tell others, so that they can send to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
struct Own {
    channel: String,
    told: u32,
}

#[derive(Serialize, Deserialize)]
enum Note {
    TestNumber { n: i64 },
}

#[downbeat::game]
impl Game for Post {
    const NAME: &'static str = "post";
    const TICK_RATE_HZ: u16 = 60;
    type Entity = Told;
    type Private = Own;
    type Input = i64;
    type Message = Note;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        let added: Result<(), layer::BadName> = room.group_add(player.id, GROUP);
        added.map_err(|_| Refusal::new("not a name"))?;
        let channel = room.channel(player.id).unwrap_or_default().to_owned();
        if let Some(own) = room.private_mut(player.id) {
            own.channel = channel;
        }
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, _: PlayerId, n: i64) {
        let _ = room.group_send(LOBBY, &Note::TestNumber { n });
    }

    fn message(&mut self, room: &mut Room<Self>, to: Recipient, note: &Note) {
        let (Recipient::Player(player), &Note::TestNumber { n }) = (to, note) else {
            return;
        };
        if let Some(own) = room.private_mut(player) {
            own.told += 1;
            let place = own.told;
            let to = player.number();
            room.spawn(Told { to, place, n });
        }
    }
}

/// What a member was told, in order.
fn told(view: &View<Post>) -> Vec<i64> {
    let player = view.welcome.as_ref().expect("a welcome").player;
    let mine = view.entities.values().filter(|told| told.to == player);
    let mut mine: Vec<_> = mine.map(|told| (told.place, told.n)).collect();
    mine.sort_unstable();
    mine.into_iter().map(|(_, n)| n).collect()
}

fn numbers(to: usize) -> Vec<i64> {
    (0..).take(to).collect()
}

/// From there to all players and to one of them; then from the players to a consumer there.
async fn a_thousand_each_way(format: RedisFormat, is_sealed: bool, hosts: usize) {
    let (Some(servers), Some(python)) = (redis(hosts), python()) else {
        return;
    };
    let setup = Setup {
        format,
        is_sealed,
        hosts,
    };
    let mut config = Config::for_tests();
    config.layer = setup.config(&servers);
    config.layer.backend = downbeat_server::config::LayerBackend::Redis;
    config.layer.capacity = CAPACITY as usize;
    let running = App::new().game::<Post>().start(config).await;
    let running = running.expect("starts");
    let services = running.services();
    crate::guard::eventually("on Redis", || services.layer().health().is_ok()).await;
    let port = running.addr().port();
    let mut players = Vec::new();
    for n in 0..PLAYERS {
        players.push(Member::<Post>::join(port, "hall", &format!("P{n}")).await);
    }
    let mut django = Django::start(&python, setup, &servers, CAPACITY);

    let group = json!({"do": "group_send", "group": GROUP, "count": COUNT, "pace": 50});
    assert_eq!(django.ask(&group), json!({"sent": COUNT}));
    for player in &players {
        sees_told(player, &numbers(COUNT)).await;
    }
    let [first, others @ ..] = &players[..] else {
        unreachable!("there are four");
    };
    let channel = first.look(|view| view.private.channel.clone());
    let send = json!({"do": "send", "channel": channel, "count": COUNT, "pace": 50});
    assert_eq!(django.ask(&send), json!({"sent": COUNT}));
    sees_told(first, &[numbers(COUNT), numbers(COUNT)].concat()).await;
    for player in others {
        assert_eq!(player.look(|view| told(view).len()), COUNT, "for one alone");
    }

    play(&mut players).await;
    let heard = django.heard("consumer", COUNT);
    assert_eq!(heard.len(), COUNT, "lost, or twice");
    for player in 0..PLAYERS {
        let is_of_player = |n: i64| usize::try_from(n).is_ok_and(|n| n % PLAYERS == player);
        let of_player = heard.iter().filter(|&&n| is_of_player(n));
        assert!(of_player.is_sorted(), "player {player}: {heard:?}");
    }
    let mut sorted = heard;
    sorted.sort_unstable();
    assert_eq!(sorted, numbers(COUNT));
    running.stop().await.expect("stopped");
}

async fn sees_told(player: &Member<Post>, expected: &[i64]) {
    player
        .sees("all that it is told", |view| {
            view.private.told as usize >= expected.len() && told(view).len() >= expected.len()
        })
        .await;
    let told = player.look(|view| told(view));
    assert!(told == expected, "lost, twice, or out of order: {told:?}");
}

/// The players take turns, each as fast as a member may say something at 60 Hz.
async fn play(players: &mut [Member<Post>]) {
    let mut n = 0;
    for _ in 0..COUNT / PLAYERS {
        for player in &mut *players {
            player.input(n);
            n += 1;
        }
        tokio::time::sleep(Duration::from_millis(17)).await;
    }
    for player in players {
        let all = u32::try_from(COUNT / PLAYERS).expect("few");
        player
            .sees("all is taken", |view| view.input_ack == all)
            .await;
        assert_eq!(player.look(|view| view.refused.clone()), [0; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_players_and_django_hear_a_thousand_of_each_other_pubsub_plain_on_one_host() {
    a_thousand_each_way(RedisFormat::PubSub, false, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_players_and_django_hear_a_thousand_of_each_other_pubsub_plain_on_two_hosts() {
    a_thousand_each_way(RedisFormat::PubSub, false, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_players_and_django_hear_a_thousand_of_each_other_pubsub_sealed_on_one_host() {
    a_thousand_each_way(RedisFormat::PubSub, true, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_players_and_django_hear_a_thousand_of_each_other_pubsub_sealed_on_two_hosts() {
    a_thousand_each_way(RedisFormat::PubSub, true, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_players_and_django_hear_a_thousand_of_each_other_core_plain_on_one_host() {
    a_thousand_each_way(RedisFormat::Core, false, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_players_and_django_hear_a_thousand_of_each_other_core_plain_on_two_hosts() {
    a_thousand_each_way(RedisFormat::Core, false, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_players_and_django_hear_a_thousand_of_each_other_core_sealed_on_one_host() {
    a_thousand_each_way(RedisFormat::Core, true, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_players_and_django_hear_a_thousand_of_each_other_core_sealed_on_two_hosts() {
    a_thousand_each_way(RedisFormat::Core, true, 2).await;
}

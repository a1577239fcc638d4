//! What Redis believes and what is so become the same again, whatever happened in between.

use std::sync::Arc;
use std::time::Duration;

use downbeat::layer::{Address, Channel, Layer as _, LayerError, PresenceEvent, Present};
use downbeat_server::RedisLayer;
use downbeat_server::config::RedisFormat;

use crate::guard::{Redis, Setup, eventually, redis};
use crate::inbox::{Inbox, numbered};

const LEASES: &str = "asgi:presence-leases";

fn setup(format: RedisFormat, is_sealed: bool) -> Setup {
    Setup {
        format,
        is_sealed,
        hosts: 1,
    }
}

fn open(layer: &RedisLayer, inbox: &Arc<Inbox>, key: u64) -> Channel {
    let opened = layer.open(Address::Unique("session"), inbox.clone(), key);
    opened.expect("a name")
}

async fn appear(layer: &RedisLayer, channel: &Channel, id: &str) {
    let who = Present {
        id: id.into(),
        name: id.to_uppercase(),
    };
    let appeared = layer.appear("lobby", channel.name(), who).await;
    appeared.expect("it answers");
}

async fn ids(layer: &RedisLayer) -> Vec<String> {
    let present = layer.present("lobby").await.unwrap_or_default();
    present.into_iter().map(|who| who.id).collect()
}

async fn until_present(layer: &RedisLayer, expected: &[&str]) {
    for _ in 0..3000 {
        if ids(layer).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {expected:?}, but {:?}", ids(layer).await);
}

fn process(server: &Redis) -> String {
    let all: Vec<String> = server.ask(&["ZRANGE", LEASES, "0", "-1"]).expect("told");
    all.into_iter().next().expect("a process has a lease")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_is_noticed_also_when_somebody_comes_right_after_it() {
    for format in [RedisFormat::PubSub, RedisFormat::Core] {
        let Some(servers) = redis(1) else { return };
        let here = setup(format, false).layer(&servers).await;
        let inbox = Inbox::new();
        let (ada, bob) = (open(&here, &inbox, 1), open(&here, &inbox, 2));
        here.group_add("lobby", ada.name()).await.expect("added");
        appear(&here, &ada, "ada").await;
        servers[0].ask::<String>(&["FLUSHALL"]).expect("flushed");
        appear(&here, &bob, "bob").await;
        until_present(&here, &["ada", "bob"]).await;
        if format == RedisFormat::Core {
            eventually("told of the gap", || inbox.missed(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_redis_remembers_and_who_is_not_here_leaves_when_the_connection_is_new() {
    for is_sealed in [false, true] {
        let Some(servers) = redis(1) else { return };
        let here = setup(RedisFormat::PubSub, is_sealed).layer(&servers).await;
        let inbox = Inbox::new();
        let (ada, bob) = (open(&here, &inbox, 1), open(&here, &inbox, 2));
        appear(&here, &ada, "ada").await;
        appear(&here, &bob, "bob").await;
        // As of an older dump: Bob has left, and Redis knows nothing of it.
        let all: Vec<(Vec<u8>, Vec<u8>)> = dump(&servers[0]);
        here.vanish("lobby", bob.name()).await.expect("told");
        let process = process(&servers[0]);
        restore(&servers[0], &process, &all);
        assert_eq!(ids(&here).await, ["ada", "bob"], "Redis is wrong");
        let kinds = ["normal", "pubsub"];
        let kill = |kind| servers[0].ask::<i64>(&["CLIENT", "KILL", "TYPE", kind]);
        for kind in kinds {
            kill(kind).expect("killed");
        }
        until_present(&here, &["ada"]).await;
    }
}

/// The group's presence as Redis has it.
fn dump(server: &Redis) -> Vec<(Vec<u8>, Vec<u8>)> {
    let all = server.ask(&["HGETALL", "asgi:presence:lobby"]);
    all.expect("told")
}

fn restore(server: &Redis, process: &str, all: &[(Vec<u8>, Vec<u8>)]) {
    let client = redis::Client::open(server.url()).expect("an address");
    let mut connection = client.get_connection().expect("connected");
    let mut pipe = redis::pipe();
    for (field, value) in all {
        pipe.cmd("HSET")
            .arg("asgi:presence:lobby")
            .arg(field)
            .arg(value);
        let entry = format!("e:{process}:");
        if let Some(mark) = field.strip_prefix(entry.as_bytes()) {
            let of = [b"lobby ", mark].concat();
            pipe.cmd("SADD")
                .arg(format!("asgi:presence-of:{process}"))
                .arg(of);
        }
    }
    pipe.exec(&mut connection).expect("restored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_of_many_dead_processes_leave_at_once() {
    let Some(servers) = redis(1) else { return };
    let here = setup(RedisFormat::PubSub, false).layer(&servers).await;
    // A lease that is over, and more people than one script takes away.
    let script = "
        for number = 1, 20 do
          local process = 'dead' .. number
          for id = 1, 1200 do
            local mark = process .. '-' .. id
            redis.call('HSET', 'asgi:presence:lobby', 'e:' .. process .. ':' .. mark, '1:told')
            redis.call('HSET', 'asgi:presence:lobby', 'n:' .. mark, 1)
            redis.call('SADD', 'asgi:presence-of:' .. process, 'lobby ' .. mark)
          end
          redis.call('ZADD', KEYS[1], 1, process)
        end";
    let died = servers[0].ask::<()>(&["EVAL", script, "1", LEASES]);
    died.expect("told");
    // At one script a second it would take a minute.
    let left = || servers[0].ask::<u64>(&["HLEN", "asgi:presence:lobby"]);
    eventually("all left", || left().expect("told") == 0).await;
    drop(here);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_published_is_not_waited_for() {
    let Some(mut servers) = redis(1) else { return };
    let setup = setup(RedisFormat::PubSub, false);
    let (here, there) = (setup.layer(&servers).await, setup.layer(&servers).await);
    let inbox = Inbox::new();
    let member = open(&here, &inbox, 1);
    here.group_add("lobby", member.name()).await.expect("added");
    servers[0].kill();
    eventually("seen", || here.health().is_err() && there.health().is_err()).await;
    for _ in 0..3 {
        let sent = here.group_send("lobby", numbered(7)).await;
        assert!(matches!(sent, Err(LayerError::Unavailable(_))), "{sent:?}");
    }
    eventually("its own at once", || inbox.numbers(1) == [7, 7, 7]).await;
    servers[0].restart();
    eventually("both back", || {
        here.health().is_ok() && there.health().is_ok()
    })
    .await;
    there.group_send("lobby", numbered(7)).await.expect("sent");
    eventually("the other's", || inbox.numbers(1).len() == 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_closed_before_its_group_was_joined_is_in_no_group() {
    for format in [RedisFormat::PubSub, RedisFormat::Core] {
        let Some(servers) = redis(1) else { return };
        let here = setup(format, false).layer(&servers).await;
        let channel = open(&here, &Inbox::new(), 1);
        let name = channel.name().to_string();
        drop(channel);
        here.group_add("lobby", &name).await.expect("nothing to do");
        here.settled().await.expect("told");
        let keys: Vec<String> = servers[0].ask(&["KEYS", "*group*"]).expect("told");
        assert_eq!(keys, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_pubsub_a_named_channel_is_heard_by_all_who_read_it() {
    let Some(servers) = redis(1) else { return };
    let setup = setup(RedisFormat::PubSub, false);
    let (here, there) = (setup.layer(&servers).await, setup.layer(&servers).await);
    let inboxes = [Inbox::new(), Inbox::new()];
    let named = |layer: &RedisLayer, inbox: &Arc<Inbox>| {
        let opened = layer.open(Address::Named("news".into()), inbox.clone(), 1);
        opened.expect("a name")
    };
    let _read = (named(&here, &inboxes[0]), named(&there, &inboxes[1]));
    here.settled().await.expect("told");
    there.settled().await.expect("told");
    for number in 0..20 {
        let from = if number % 2 == 0 { &here } else { &there };
        from.send("news", numbered(number)).await.expect("sent");
    }
    for inbox in &inboxes {
        eventually("all came", || inbox.numbers(1).len() >= 20).await;
    }
    here.send("news", numbered(20)).await.expect("sent");
    for inbox in &inboxes {
        eventually("the last came", || inbox.numbers(1).last() == Some(&20)).await;
        let mut numbers = inbox.numbers(1);
        numbers.sort_unstable();
        assert_eq!(numbers, Vec::from_iter(0..=20), "each once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_and_goes_while_redis_is_away_is_not_remembered() {
    for format in [RedisFormat::PubSub, RedisFormat::Core] {
        let Some(mut servers) = redis(1) else { return };
        let setup = setup(format, false);
        let (here, there) = (setup.layer(&servers).await, setup.layer(&servers).await);
        let inbox = Inbox::new();
        let seen = Arc::clone(&inbox);
        let _watch = there.watch(
            "lobby",
            Arc::new(move |event| {
                if *event == PresenceEvent::Missed {
                    downbeat::layer::Mailbox::missed(&*seen, 9);
                }
            }),
        );
        let ada = open(&here, &inbox, 1);
        appear(&here, &ada, "ada").await;
        servers[0].kill();
        eventually("seen", || here.health().is_err()).await;
        let before = format!("{here:?}");
        for number in 0..2000 {
            let member = open(&here, &inbox, number);
            let group = format!("user.{number}");
            let added = here.group_add(&group, member.name()).await;
            assert!(
                matches!(added, Err(LayerError::Unavailable(_))),
                "{added:?}"
            );
            let who = Present {
                id: number.to_string(),
                name: "guest".into(),
            };
            let appeared = here.appear("lobby", member.name(), who).await;
            assert!(appeared.is_err());
        }
        assert_eq!(format!("{here:?}"), before, "as much to tell as before");
        servers[0].restart();
        until_present(&there, &["ada"]).await;
        eventually("told", || inbox.missed(9)).await;
    }
}

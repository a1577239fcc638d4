//! What is particular to Redis, beside what every layer promises.

use std::sync::Arc;

use downbeat::layer::{Address, BadName, Layer as _, LayerError, Message, Value};
use downbeat_server::config::{RedisFormat, Secret};

use crate::guard::{Setup, eventually, redis, start};
use crate::inbox::{Inbox, numbered};

const fn plain(format: RedisFormat) -> Setup {
    Setup {
        format,
        is_sealed: false,
        hosts: 1,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_for_a_group_is_published_once_however_many_members_it_has() {
    let Some(servers) = redis(1) else { return };
    let layer = plain(RedisFormat::PubSub).layer(&servers).await;
    let inbox = Inbox::new();
    let mut members = Vec::new();
    for key in 0..300 {
        let member = layer.open(Address::Unique("session"), inbox.clone(), key);
        let member = member.expect("a name");
        layer
            .group_add("lobby", member.name())
            .await
            .expect("it answers");
        members.push(member);
    }
    let published = || {
        let stats: String = servers[0]
            .ask(&["INFO", "commandstats"])
            .expect("it answers");
        let line = stats
            .lines()
            .find(|line| line.starts_with("cmdstat_publish:"));
        let calls = line.and_then(|line| line.split_once("calls=")?.1.split_once(','));
        calls.map_or(0, |(calls, _)| calls.parse::<u64>().expect("a number"))
    };
    let before = published();
    for number in 0..10 {
        layer
            .group_send("lobby", numbered(number))
            .await
            .expect("it answers");
    }
    eventually("all came", || inbox.len() == 3000).await;
    assert_eq!(published() - before, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_core_a_process_is_in_a_group_once_however_many_members_it_has() {
    let Some(servers) = redis(1) else { return };
    let layer = plain(RedisFormat::Core).layer(&servers).await;
    let inbox = Inbox::new();
    let mut members = Vec::new();
    for key in 0..300 {
        let member = layer.open(Address::Unique("session"), inbox.clone(), key);
        let member = member.expect("a name");
        layer
            .group_add("lobby", member.name())
            .await
            .expect("it answers");
        members.push(member);
    }
    let count: u64 = servers[0]
        .ask(&["ZCARD", "asgi:group:lobby"])
        .expect("it answers");
    assert_eq!(count, 1);
    layer
        .group_send("lobby", numbered(1))
        .await
        .expect("it answers");
    eventually("all came", || inbox.len() == 300).await;
    members.clear();
    layer
        .group_send("empty", numbered(1))
        .await
        .expect("it answers");
    eventually("it left", || {
        let count: u64 = servers[0]
            .ask(&["ZCARD", "asgi:group:lobby"])
            .expect("it answers");
        count == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_to_a_channel_and_to_its_group_keep_their_order() {
    let Some(servers) = redis(1) else { return };
    for format in [RedisFormat::PubSub, RedisFormat::Core] {
        let setup = plain(format);
        let (here, there) = (setup.layer(&servers).await, setup.layer(&servers).await);
        let inbox = Inbox::new();
        let member = there.open(Address::Unique("session"), inbox.clone(), 1);
        let member = member.expect("a name");
        there
            .group_add("lobby", member.name())
            .await
            .expect("it answers");
        for number in 0..500 {
            let message = numbered(number);
            if number % 3 == 0 {
                here.group_send("lobby", message).await.expect("it answers");
            } else {
                here.send(member.name(), message).await.expect("room");
            }
        }
        eventually("all came", || inbox.len() == 500).await;
        assert_eq!(inbox.numbers(1), Vec::from_iter(0..500), "{format:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_core_each_message_to_a_named_channel_goes_to_one_of_its_readers() {
    let Some(servers) = redis(2) else { return };
    for hosts in [1, 2] {
        let setup = Setup {
            hosts,
            ..plain(RedisFormat::Core)
        };
        let layers = [setup.layer(&servers).await, setup.layer(&servers).await];
        let inbox = Inbox::new();
        let chores = layers.iter().map(|layer| {
            let chores = Address::Named("chores".into());
            layer.open(chores, inbox.clone(), 1).expect("a name")
        });
        let _chores = Vec::from_iter(chores);
        let sender = setup.layer(&servers).await;
        for number in 0..90 {
            sender.send("chores", numbered(number)).await.expect("room");
        }
        eventually("all came", || inbox.len() >= 90).await;
        let mut numbers = inbox.numbers(1);
        numbers.sort_unstable();
        assert_eq!(numbers, Vec::from_iter(0..90), "{hosts} hosts");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_messages_pass_and_too_large_ones_are_refused() {
    let Some(servers) = redis(1) else { return };
    for setup in Setup::all().into_iter().filter(|setup| setup.hosts == 1) {
        let layer = setup.layer(&servers).await;
        let inbox = Inbox::new();
        let ours = layer
            .open(Address::Unique("room"), inbox.clone(), 1)
            .expect("a name");
        let of = |bytes| Arc::new(Message::of("big").with("bytes", Value::Bytes(vec![7; bytes])));
        layer
            .send(ours.name(), of(1024 * 1024))
            .await
            .expect("it passes");
        eventually("it came", || inbox.len() == 1).await;
        let refused = layer.send(ours.name(), of(5 * 1024 * 1024)).await;
        assert!(
            matches!(refused, Err(LayerError::TooBig(..))),
            "{refused:?}"
        );
        let refused = layer.group_send("lobby", of(5 * 1024 * 1024)).await;
        assert!(
            matches!(refused, Err(LayerError::TooBig(..))),
            "{refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sealed_with_another_key_is_not_read() {
    let Some(servers) = redis(1) else { return };
    for format in [RedisFormat::PubSub, RedisFormat::Core] {
        let sealed = Setup {
            is_sealed: true,
            ..plain(format)
        };
        let here = sealed.layer(&servers).await;
        let mut config = sealed.config(&servers);
        config.encryption_keys = vec![Secret::from("stranger")];
        let stranger = start(&config).await;
        let open = plain(format).layer(&servers).await;
        config.encryption_keys = vec![Secret::from("third key"), Secret::from("first key")];
        let friend = start(&config).await;
        let inbox = Inbox::new();
        let ours = here
            .open(Address::Unique("room"), inbox.clone(), 1)
            .expect("a name");
        here.group_add("lobby", ours.name())
            .await
            .expect("it answers");
        stranger
            .group_send("lobby", numbered(1))
            .await
            .expect("it answers");
        open.group_send("lobby", numbered(2))
            .await
            .expect("it answers");
        eventually("both counted", || here.counts().malformed == 2).await;
        here.send(ours.name(), numbered(3)).await.expect("room");
        eventually("it came", || inbox.len() == 1).await;
        assert_eq!(inbox.numbers(1), [3]);
        // Who seals with a new key first and still knows ours can read ours.
        let theirs = friend
            .open(Address::Unique("room"), inbox.clone(), 2)
            .expect("a name");
        here.send(theirs.name(), numbered(4)).await.expect("room");
        eventually("it came", || inbox.numbers(2) == [4]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_checked_and_in_pubsub_carry_any_prefix() {
    let Some(servers) = redis(1) else { return };
    for format in [RedisFormat::PubSub, RedisFormat::Core] {
        let mut config = plain(format).config(&servers);
        config.prefix = "my:app/1".into();
        let layer = start(&config).await;
        let inbox = Inbox::new();
        let ours = layer
            .open(Address::Unique("room"), inbox.clone(), 1)
            .expect("a name");
        layer
            .group_add("lobby", ours.name())
            .await
            .expect("it answers");
        layer.send(ours.name(), numbered(1)).await.expect("room");
        layer
            .group_send("lobby", numbered(2))
            .await
            .expect("it answers");
        eventually("both came", || inbox.numbers(1) == [1, 2]).await;
        for bad in ["", "a b", "a\n", "é", "a;b"] {
            let error = Err(LayerError::BadName(BadName(bad.into())));
            assert_eq!(layer.send(bad, numbered(1)).await, error);
            assert_eq!(layer.group_send(bad, numbered(1)).await, error);
            assert_eq!(layer.group_add("lobby", bad).await, error);
            assert_eq!(layer.group_add(bad, ours.name()).await, error);
            assert_eq!(layer.group_discard(bad, ours.name()).await, error);
        }
        let strangers = [layer.group_discard("lobby", "stranger").await];
        assert_eq!(strangers, [Ok(())]);
    }
}

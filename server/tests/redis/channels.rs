//! Django Channels, from PyPI, and this layer on the same Redis: in both formats, plain and sealed,
//! on one host and on two.

use std::collections::BTreeMap;

use downbeat::layer::{Address, Layer as _, LayerError, Message, Value};
use downbeat_server::config::RedisFormat;
use serde_json::json;

use crate::django::{Django, python};
use crate::guard::{Setup, eventually, redis, start};
use crate::inbox::{Came, Inbox, numbered};

/// What queues hold in these tests, there and here: a Python on a busy machine may be behind by all
/// of the messages at once, and none must be lost below capacity.
const CAPACITY: u32 = 6000;
const COUNT: i64 = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_each_way_arrive_in_order_pubsub_plain_on_one_host() {
    ten_thousand(RedisFormat::PubSub, false, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_each_way_arrive_in_order_pubsub_plain_on_two_hosts() {
    ten_thousand(RedisFormat::PubSub, false, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_each_way_arrive_in_order_pubsub_sealed_on_one_host() {
    ten_thousand(RedisFormat::PubSub, true, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_each_way_arrive_in_order_pubsub_sealed_on_two_hosts() {
    ten_thousand(RedisFormat::PubSub, true, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_each_way_arrive_in_order_core_plain_on_one_host() {
    ten_thousand(RedisFormat::Core, false, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_each_way_arrive_in_order_core_plain_on_two_hosts() {
    ten_thousand(RedisFormat::Core, false, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_each_way_arrive_in_order_core_sealed_on_one_host() {
    ten_thousand(RedisFormat::Core, true, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_each_way_arrive_in_order_core_sealed_on_two_hosts() {
    ten_thousand(RedisFormat::Core, true, 2).await;
}

/// 5,000 to a group and 5,000 to a channel, from there to here and back.
async fn ten_thousand(format: RedisFormat, is_sealed: bool, hosts: usize) {
    let (Some(servers), Some(python)) = (redis(hosts), python()) else {
        return;
    };
    let setup = Setup {
        format,
        is_sealed,
        hosts,
    };
    let mut config = setup.config(&servers);
    config.capacity = CAPACITY as usize;
    let layer = start(&config).await;
    let inbox = Inbox::new();
    let ours = layer.open(Address::Unique("session"), inbox.clone(), 1);
    let ours = ours.expect("a name");
    layer
        .group_add("players", ours.name())
        .await
        .expect("it answers");
    let mut django = Django::start(&python, setup, &servers, CAPACITY);
    let half = COUNT / 2;
    let all = Vec::from_iter(0..half);

    // From there: to a group, then to the channel.
    for order in [
        json!({"do": "group_send", "group": "players", "count": half, "pace": 50}),
        json!({"do": "send", "channel": &**ours.name(), "count": half, "pace": 50}),
    ] {
        django.order(&order);
        eventually("all came", || inbox.len() >= all.len()).await;
        assert_eq!(django.answer(), json!({"sent": half}));
        assert!(
            inbox.numbers(1) == all,
            "{order}: lost, twice, or out of order"
        );
        inbox.take();
    }

    // From here: to a group, then to the consumer's channel.
    for number in 0..half {
        layer
            .group_send("lobby", numbered(number))
            .await
            .expect("it answers");
    }
    assert_all(&django.heard("consumer", all.len()), &all, "to the group");
    let channel = django.channel.clone();
    for number in 0..half {
        layer.send(&channel, numbered(number)).await.expect("room");
    }
    assert_all(&django.heard("consumer", all.len()), &all, "to the channel");
    let counts = layer.counts();
    assert_eq!((counts.malformed, counts.gaps, counts.expired), (0, 0, 0));
}

/// Like an equation, but it does not print thousands of numbers.
fn assert_all(heard: &[i64], all: &[i64], what: &str) {
    let same = heard.iter().zip(all).take_while(|(a, b)| a == b).count();
    let next = heard.get(same..).unwrap_or_default();
    let next = &next[..next.len().min(10)];
    let (count, of) = (heard.len(), all.len());
    assert!(
        heard == all,
        "{what}: {count} of {of}, from {same} on {next:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_all_kinds_arrive_as_they_were_both_ways() {
    let (Some(servers), Some(python)) = (redis(2), python()) else {
        return;
    };
    for setup in Setup::all() {
        let layer = setup.layer(&servers).await;
        let inbox = Inbox::new();
        let ours = layer
            .open(Address::Unique("room"), inbox.clone(), 1)
            .expect("a name");
        layer
            .group_add("players", ours.name())
            .await
            .expect("it answers");
        let mut django = Django::start(&python, setup, &servers, 100);
        django.ask(&json!({"do": "kinds", "group": "players"}));
        eventually("it came", || inbox.len() == 1).await;
        let expected = kinds();
        let came = inbox.take();
        assert_eq!(
            came,
            [(1, Came::Message(expected.clone().into()))],
            "{setup:?}"
        );
        layer
            .group_send("lobby", expected.into())
            .await
            .expect("it answers");
        let heard = django.ask(&json!({"do": "kinds_heard"}));
        let expected = "[('bytes', b'\\x00\\xff'), ('list', [1, 'two', None]), \
                        ('map', {'yes': True}), ('none', None), ('point', 1.5), \
                        ('text', 'Grüße'), ('type', 'test.kinds'), \
                        ('whole', -9223372036854775808)]";
        assert_eq!(heard["kinds"], expected, "{setup:?}");
    }
}

fn kinds() -> Message {
    let list = vec![Value::Int(1), Value::Text("two".into()), Value::Null];
    let map = BTreeMap::from([("yes".to_owned(), Value::Bool(true))]);
    Message::of("test.kinds")
        .with("bytes", Value::Bytes(vec![0, 255]))
        .with("text", "Grüße")
        .with("whole", i64::MIN)
        .with("point", Value::Float(1.5))
        .with("list", Value::List(list))
        .with("map", Value::Map(map))
        .with("none", Value::Null)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_of_theirs_does_chores_that_are_sent_from_here() {
    let (Some(servers), Some(python)) = (redis(1), python()) else {
        return;
    };
    for format in [RedisFormat::PubSub, RedisFormat::Core] {
        let setup = Setup {
            format,
            is_sealed: true,
            hosts: 1,
        };
        let layer = setup.layer(&servers).await;
        let mut django = Django::start(&python, setup, &servers, 100);
        for number in 0..50 {
            layer.send("chores", numbered(number)).await.expect("room");
        }
        assert_eq!(
            django.heard("worker", 50),
            Vec::from_iter(0..50),
            "{format:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_of_theirs_is_an_error_here() {
    let Some(servers) = redis(1) else { return };
    let setup = Setup {
        format: RedisFormat::Core,
        is_sealed: false,
        hosts: 1,
    };
    let layer = setup.layer(&servers).await;
    for number in 0..100 {
        layer.send("nobody", numbered(number)).await.expect("room");
    }
    let full = layer.send("nobody", numbered(100)).await;
    assert_eq!(full, Err(LayerError::Full("nobody".into())));
    // One of a group that is full does not keep the others from it.
    let inbox = Inbox::new();
    let ours = layer
        .open(Address::Unique("room"), inbox.clone(), 1)
        .expect("a name");
    layer
        .group_add("all", ours.name())
        .await
        .expect("it answers");
    layer.group_add("all", "nobody").await.expect("it answers");
    layer
        .group_send("all", numbered(7))
        .await
        .expect("never fails for one");
    eventually("it came", || inbox.numbers(1) == [7]).await;
    assert_eq!(layer.counts().full, 2);
}

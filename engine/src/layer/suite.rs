//! What every layer must do, as one list of checks for all backends.
//!
//! A backend brings a function that makes a fresh bus with two ways to it: of two processes where
//! it has that, else the same one twice. Checks wait for what must come with a limit, and in
//! tokio's time, so a layer without sockets passes in no time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{
    Address, BadName, Layer, LayerError, LayerLimits, Message, PresenceEvent, Present, Received,
    Receiver, Value, Watch, open_queue,
};
use crate::limits::MESSAGE_DEPTH_MAX;

/// Two ways to the same bus, fresh for each check.
pub struct Bus {
    /// One.
    pub here: Arc<dyn Layer>,
    /// The other.
    pub there: Arc<dyn Layer>,
    /// Whether a sender is told that a channel of the other side is full.
    pub tells_far_full: bool,
    /// Kept until the check is over: a server, a folder.
    pub keep: Box<dyn std::any::Any>,
}

impl Bus {
    /// A bus of one process.
    pub fn alone<T: Layer>(layer: &Arc<T>) -> Self {
        let shared: Arc<dyn Layer> = Arc::<T>::clone(layer);
        Self {
            here: Arc::clone(&shared),
            there: Arc::clone(&shared),
            tells_far_full: true,
            keep: Box::new(()),
        }
    }
}

/// How long to wait for what must come.
const WITHIN: Duration = Duration::from_secs(5);

/// How long to wait for what must not come.
const QUIET: Duration = Duration::from_millis(150);

/// The limits of all checks.
fn limits() -> LayerLimits {
    LayerLimits {
        capacity: 2000,
        channel_capacity: vec![("small*".into(), 3), ("s?aller*".into(), 2)],
        expiry: Duration::from_secs(2),
        ..LayerLimits::default()
    }
}

macro_rules! checks {
    ($($check:ident,)*) => {
        /// Runs every check against a bus of its own.
        ///
        /// # Panics
        /// If one fails.
        pub async fn suite(make: impl AsyncFn(LayerLimits) -> Bus) {
            $(
                let bus = make(limits()).await;
                let done = timeout(Duration::from_secs(30), $check(&bus)).await;
                assert!(done.is_ok(), "{} takes for ever", stringify!($check));
            )*
        }
    };
}

checks! {
    all_kinds_of_values_pass,
    a_mebibyte_passes,
    what_is_too_big_is_refused,
    what_is_nested_too_deeply_is_refused,
    messages_arrive_once_and_in_order,
    each_senders_order_is_kept_beside_others,
    a_channel_of_ones_own_is_nobody_elses,
    readers_of_a_named_channel_share_it,
    what_nobody_reads_disturbs_nobody,
    a_full_channel_is_an_error,
    capacities_go_by_pattern,
    a_group_is_heard_on_both_sides,
    who_is_full_loses_its_own_only,
    adding_twice_and_discarding_strangers_are_fine,
    groups_do_not_mix,
    a_dropped_channel_leaves_its_groups,
    names_are_strict,
    what_waits_too_long_is_missed,
    presence_is_by_id,
    presence_ends_with_the_channel,
    presence_is_watched_on_both_sides,
    what_happens_is_counted,
}

fn queue(layer: &Arc<dyn Layer>, address: Address) -> Receiver {
    open_queue(&**layer, address, layer.limits()).expect("a channel")
}

fn unique(layer: &Arc<dyn Layer>) -> Receiver {
    queue(layer, Address::Unique("check"))
}

fn named(layer: &Arc<dyn Layer>, name: &str) -> Receiver {
    queue(layer, Address::Named(name.into()))
}

fn numbered(number: i64) -> Arc<Message> {
    Arc::new(Message::of("check.number").with("number", number))
}

fn number_of(message: &Message) -> i64 {
    match message.0.get("number") {
        Some(Value::Int(number)) => *number,
        other => panic!("no number but {other:?}"),
    }
}

async fn receive(receiver: &Receiver) -> Arc<Message> {
    match timeout(WITHIN, receiver.receive()).await {
        Ok(Received::Message(message)) => message,
        Ok(Received::Missed(count)) => panic!("{count} messages were missed"),
        Err(_) => panic!("nothing came"),
    }
}

async fn receive_number(receiver: &Receiver) -> i64 {
    number_of(&*receive(receiver).await)
}

async fn assert_quiet(receiver: &Receiver) {
    let came = timeout(QUIET, receiver.receive()).await;
    assert!(came.is_err(), "{came:?} came");
}

async fn send(layer: &Arc<dyn Layer>, to: &Receiver, message: Arc<Message>) {
    layer.send(to.name(), message).await.expect("sent");
}

async fn add(layer: &Arc<dyn Layer>, group: &str, receiver: &Receiver) {
    let added = layer.group_add(group, receiver.name()).await;
    added.expect("added");
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(WITHIN, wait).await.is_ok(), "never so: {what}");
}

async fn all_kinds_of_values_pass(bus: &Bus) {
    let inner = BTreeMap::from([("in".to_owned(), Value::Bytes(vec![0, 255, 10]))]);
    let message = Message::of("check.kinds")
        .with("null", Value::Null)
        .with("yes", true)
        .with("least", i64::MIN)
        .with("most", i64::MAX)
        .with("small", -1)
        .with("tenth", 0.1)
        .with("text", "Grüße, \u{1F980}\0\n")
        .with("empty", "")
        .with("bytes", (0..=255).collect::<Vec<u8>>())
        .with(
            "list",
            vec![Value::Int(1), "two".into(), Value::List(vec![])],
        )
        .with("map", Value::Map(inner));
    let message = Arc::new(message);
    for (from, to) in [(&bus.here, &bus.here), (&bus.here, &bus.there)] {
        let receiver = unique(to);
        send(from, &receiver, Arc::clone(&message)).await;
        assert_eq!(*receive(&receiver).await, *message);
    }
}

async fn a_mebibyte_passes(bus: &Bus) {
    let text = "x".repeat(1024 * 1024);
    let bytes = vec![0xC1; 1024 * 1024];
    let receiver = unique(&bus.there);
    for big in [Value::Text(text), Value::Bytes(bytes)] {
        let message = Arc::new(Message::of("check.big").with("big", big));
        send(&bus.here, &receiver, Arc::clone(&message)).await;
        assert!(
            *receive(&receiver).await == *message,
            "it arrives as it was"
        );
    }
}

async fn what_is_too_big_is_refused(bus: &Bus) {
    let receiver = unique(&bus.there);
    add(&bus.there, "check.big", &receiver).await;
    let most = bus.here.limits().message_bytes_max;
    let message = Arc::new(Message::of("check.big").with("big", "x".repeat(most)));
    let sent = bus.here.send(receiver.name(), Arc::clone(&message)).await;
    assert!(matches!(sent, Err(LayerError::TooBig(..))), "{sent:?}");
    let sent = bus.here.group_send("check.big", message).await;
    assert!(matches!(sent, Err(LayerError::TooBig(..))), "{sent:?}");
    assert_quiet(&receiver).await;
}

async fn what_is_nested_too_deeply_is_refused(bus: &Bus) {
    let receiver = unique(&bus.there);
    add(&bus.there, "check.deep", &receiver).await;
    let nested = |levels| {
        let nest = |value, _| Value::List(vec![value]);
        let value = (1..levels).fold(Value::Null, nest);
        Arc::new(Message::of("check.deep").with("nest", value))
    };
    let deepest = nested(MESSAGE_DEPTH_MAX);
    send(&bus.here, &receiver, Arc::clone(&deepest)).await;
    assert_eq!(*receive(&receiver).await, *deepest);
    let too_deep = nested(MESSAGE_DEPTH_MAX + 1);
    let sent = bus.here.send(receiver.name(), Arc::clone(&too_deep)).await;
    assert!(matches!(sent, Err(LayerError::TooDeep(_))), "{sent:?}");
    let sent = bus.here.group_send("check.deep", too_deep).await;
    assert!(matches!(sent, Err(LayerError::TooDeep(_))), "{sent:?}");
    assert_quiet(&receiver).await;
}

async fn messages_arrive_once_and_in_order(bus: &Bus) {
    let receiver = unique(&bus.there);
    add(&bus.there, "check.order", &receiver).await;
    for number in 0..500 {
        match number % 2 {
            0 => send(&bus.here, &receiver, numbered(number)).await,
            _ => {
                let sent = bus.here.send(receiver.name(), numbered(number)).await;
                sent.expect("sent");
            }
        }
    }
    for number in 0..500 {
        assert_eq!(receive_number(&receiver).await, number);
    }
    for number in 0..500 {
        let sent = bus.here.group_send("check.order", numbered(number)).await;
        sent.expect("sent");
    }
    for number in 0..500 {
        assert_eq!(receive_number(&receiver).await, number);
    }
    assert_quiet(&receiver).await;
}

async fn each_senders_order_is_kept_beside_others(bus: &Bus) {
    const SENDERS: i64 = 8;
    const EACH: i64 = 100;
    let mut next = [0; 8];
    let receiver = unique(&bus.there);
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        let layer = Arc::clone(if sender % 2 == 0 {
            &bus.here
        } else {
            &bus.there
        });
        let to = Arc::clone(receiver.name());
        senders.spawn(async move {
            for number in 0..EACH {
                let sent = layer.send(&to, numbered(sender * EACH + number)).await;
                sent.expect("sent");
            }
        });
    }
    for _ in 0..SENDERS * EACH {
        let number = receive_number(&receiver).await;
        let sender = usize::try_from(number / EACH).expect("a sender");
        assert_eq!(number % EACH, next[sender], "of sender {sender}");
        next[sender] += 1;
    }
    senders.join_all().await;
}

async fn a_channel_of_ones_own_is_nobody_elses(bus: &Bus) {
    let receivers = [
        unique(&bus.here),
        unique(&bus.here),
        unique(&bus.there),
        unique(&bus.there),
    ];
    let names: BTreeSet<_> = receivers.iter().map(Receiver::name).collect();
    assert_eq!(names.len(), receivers.len(), "names differ: {names:?}");
    for name in names {
        assert!(name.starts_with("check"), "{name}");
        super::check_name(name, true).expect("a name");
    }
    for (number, receiver) in (0..).zip(&receivers) {
        send(&bus.here, receiver, numbered(number)).await;
    }
    for (number, receiver) in (0..).zip(&receivers) {
        assert_eq!(receive_number(receiver).await, number);
        assert_quiet(receiver).await;
    }
}

async fn readers_of_a_named_channel_share_it(bus: &Bus) {
    let readers = [
        named(&bus.here, "check.work"),
        named(&bus.here, "check.work"),
    ];
    for number in 0..100 {
        send(&bus.here, &readers[0], numbered(number)).await;
    }
    let mut seen = BTreeSet::new();
    for reader in &readers {
        // Half of them each, whoever was asked first.
        for _ in 0..50 {
            let number = receive_number(reader).await;
            assert!(seen.insert(number), "{number} came twice");
        }
    }
    let [first, second] = readers;
    drop(second);
    send(&bus.here, &first, numbered(100)).await;
    assert_eq!(receive_number(&first).await, 100, "who is left gets all");
}

async fn what_nobody_reads_disturbs_nobody(bus: &Bus) {
    let nobodys = unique(&bus.there);
    let name = Arc::clone(nobodys.name());
    drop(nobodys);
    for number in 0..10 {
        bus.here.send(&name, numbered(number)).await.expect("sent");
        let sent = bus.here.group_send("check.nobody", numbered(number)).await;
        sent.expect("sent");
    }
    let receiver = unique(&bus.there);
    send(&bus.here, &receiver, numbered(1)).await;
    assert_eq!(receive_number(&receiver).await, 1);
}

async fn a_full_channel_is_an_error(bus: &Bus) {
    let sides = [(&bus.here, true), (&bus.there, bus.tells_far_full)];
    for (side, (layer, is_told)) in sides.into_iter().enumerate() {
        let receiver = named(layer, &format!("small.{side}"));
        sleep(QUIET).await; // until the other side knows of it
        for number in 0..3 {
            send(&bus.here, &receiver, numbered(number)).await;
        }
        let sent = bus.here.send(receiver.name(), numbered(3)).await;
        if is_told {
            let full = LayerError::Full(receiver.name().to_string());
            assert_eq!(sent, Err(full));
        }
        let mut came = BTreeSet::new();
        for _ in 0..3 {
            came.insert(receive_number(&receiver).await);
        }
        assert_eq!(came, BTreeSet::from([0, 1, 2]));
        let next = timeout(WITHIN, receiver.receive()).await;
        // From afar it may also come when there is room again, or be refused on its way.
        let came_late = !is_told && next == Ok(Received::Message(numbered(3)));
        assert!(
            came_late || sent.is_err() && next.is_err() || next == Ok(Received::Missed(1)),
            "{next:?}"
        );
        send(&bus.here, &receiver, numbered(4)).await;
        assert_eq!(receive_number(&receiver).await, 4, "there is room again");
    }
}

async fn capacities_go_by_pattern(bus: &Bus) {
    for (name, capacity) in [("small.x", 3), ("sealler!x", 2), ("s.aller", 2)] {
        let receiver = named(&bus.here, name);
        for number in 0..capacity {
            send(&bus.here, &receiver, numbered(number)).await;
        }
        let sent = bus.here.send(name, numbered(9)).await;
        assert_eq!(sent, Err(LayerError::Full(name.into())));
    }
}

async fn a_group_is_heard_on_both_sides(bus: &Bus) {
    let receivers = [unique(&bus.here), unique(&bus.here), unique(&bus.there)];
    for (layer, receiver) in [&bus.here, &bus.here, &bus.there]
        .into_iter()
        .zip(&receivers)
    {
        add(layer, "check.both", receiver).await;
    }
    for (number, from) in (0..).zip([&bus.here, &bus.there]) {
        let sent = from.group_send("check.both", numbered(number)).await;
        sent.expect("sent");
        for receiver in &receivers {
            assert_eq!(receive_number(receiver).await, number);
        }
    }
    for receiver in &receivers {
        assert_quiet(receiver).await;
    }
}

async fn who_is_full_loses_its_own_only(bus: &Bus) {
    let full = named(&bus.there, "small.full");
    let other = unique(&bus.there);
    let here = unique(&bus.here);
    add(&bus.there, "check.full", &full).await;
    add(&bus.there, "check.full", &other).await;
    add(&bus.here, "check.full", &here).await;
    for number in 0..10 {
        let sent = bus.here.group_send("check.full", numbered(number)).await;
        sent.expect("never an error");
    }
    for number in 0..10 {
        assert_eq!(receive_number(&other).await, number);
        assert_eq!(receive_number(&here).await, number);
    }
    // Each receiver hears by a way of its own: the last may still be coming.
    let lost = async {
        while full.lost() < 7 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(WITHIN, lost).await.expect("seven do not fit");
    for number in 0..3 {
        assert_eq!(receive_number(&full).await, number);
    }
    let missed = timeout(WITHIN, full.receive()).await;
    assert_eq!(missed, Ok(Received::Missed(7)), "it is told how many");
    assert_eq!(full.lost(), 7);
}

async fn adding_twice_and_discarding_strangers_are_fine(bus: &Bus) {
    let receiver = unique(&bus.here);
    add(&bus.here, "check.twice", &receiver).await;
    add(&bus.here, "check.twice", &receiver).await;
    let sent = bus.there.group_send("check.twice", numbered(1)).await;
    sent.expect("sent");
    assert_eq!(receive_number(&receiver).await, 1);
    assert_quiet(&receiver).await;
    for _ in 0..2 {
        let discarded = bus.here.group_discard("check.twice", receiver.name()).await;
        discarded.expect("a member or not");
    }
    let stranger = bus.here.group_discard("check.never", receiver.name()).await;
    stranger.expect("a stranger");
    let sent = bus.there.group_send("check.twice", numbered(2)).await;
    sent.expect("sent");
    assert_quiet(&receiver).await;
}

async fn groups_do_not_mix(bus: &Bus) {
    let receivers = [unique(&bus.there), unique(&bus.there)];
    let groups = ["check.a", "check.ab"];
    for (group, receiver) in groups.into_iter().zip(&receivers) {
        add(&bus.there, group, receiver).await;
    }
    for (number, group) in (0..).zip(groups) {
        let sent = bus.here.group_send(group, numbered(number)).await;
        sent.expect("sent");
    }
    for (number, receiver) in (0..).zip(&receivers) {
        assert_eq!(receive_number(receiver).await, number);
        assert_quiet(receiver).await;
    }
}

async fn a_dropped_channel_leaves_its_groups(bus: &Bus) {
    let stays = unique(&bus.there);
    let goes = named(&bus.there, "check.goes");
    add(&bus.there, "check.drop", &stays).await;
    add(&bus.there, "check.drop", &goes).await;
    drop(goes);
    let again = named(&bus.there, "check.goes");
    sleep(QUIET).await;
    let sent = bus.here.group_send("check.drop", numbered(1)).await;
    sent.expect("sent");
    assert_eq!(receive_number(&stays).await, 1);
    assert_quiet(&again).await;
    send(&bus.here, &again, numbered(2)).await;
    assert_eq!(receive_number(&again).await, 2, "a new one of that name");
}

async fn names_are_strict(bus: &Bus) {
    let layer = &bus.here;
    let long = "x".repeat(100);
    for name in ["", "a b", "a\n", "é", "٣", "a:b", "a!b!c", long.as_str()] {
        let bad = LayerError::BadName(BadName(name.into()));
        let who = Present {
            id: "a".into(),
            name: "A".into(),
        };
        let opened = open_queue(&**layer, Address::Named(name.into()), layer.limits());
        assert_eq!(opened.err(), Some(bad.clone()));
        for done in [
            layer.send(name, numbered(0)).await,
            layer.group_send(name, numbered(0)).await,
            layer.group_add(name, "check").await,
            layer.group_add("check", name).await,
            layer.group_discard(name, "check").await,
            layer.group_discard("check", name).await,
            layer.appear(name, "check", who.clone()).await,
            layer.appear("check", name, who).await,
            layer.vanish(name, "check").await,
            layer.vanish("check", name).await,
            layer.present(name).await.map(|_| ()),
            layer.watch(name, Arc::new(|_| ())).map(|_| ()),
        ] {
            assert_eq!(done, Err(bad.clone()), "{name:?}");
        }
    }
    let local = layer.group_send("a!b", numbered(0)).await;
    assert!(local.is_err(), "a group has no local part");
}

async fn what_waits_too_long_is_missed(bus: &Bus) {
    let receiver = unique(&bus.there);
    for number in 0..5 {
        send(&bus.here, &receiver, numbered(number)).await;
    }
    sleep(bus.here.limits().expiry + Duration::from_secs(1)).await;
    send(&bus.here, &receiver, numbered(5)).await;
    // A backend in which they wait elsewhere drops them there, and cannot tell how many.
    let first = timeout(WITHIN, receiver.receive()).await;
    if first != Ok(Received::Message(numbered(5))) {
        assert_eq!(first, Ok(Received::Missed(5)));
        assert_eq!(receiver.lost(), 5);
        assert_eq!(receive_number(&receiver).await, 5);
    }
    assert_quiet(&receiver).await;
}

fn present(id: &str, name: &str) -> Present {
    Present {
        id: id.into(),
        name: name.into(),
    }
}

async fn appear(layer: &Arc<dyn Layer>, receiver: &Receiver, id: &str, name: &str) {
    let appeared = layer.appear("check.present", receiver.name(), present(id, name));
    appeared.await.expect("present");
}

async fn vanish(layer: &Arc<dyn Layer>, receiver: &Receiver) {
    let vanished = layer.vanish("check.present", receiver.name()).await;
    vanished.expect("gone");
}

/// Both sides come to see the same.
async fn assert_present(bus: &Bus, expected: &[(&str, &str)]) {
    let expected: BTreeSet<_> = expected
        .iter()
        .map(|(id, name)| present(id, name))
        .collect();
    for layer in [&bus.here, &bus.there] {
        until(&format!("{expected:?} are present"), async || {
            layer.present("check.present").await == Ok(expected.clone())
        })
        .await;
    }
}

async fn presence_is_by_id(bus: &Bus) {
    let phone = unique(&bus.here);
    let laptop = unique(&bus.there);
    let other = unique(&bus.there);
    assert_present(bus, &[]).await;
    appear(&bus.here, &phone, "ada", "Ada").await;
    appear(&bus.there, &other, "bob", "Bob").await;
    assert_present(bus, &[("ada", "Ada"), ("bob", "Bob")]).await;
    appear(&bus.there, &laptop, "ada", "Ada L.").await;
    assert_present(bus, &[("ada", "Ada L."), ("bob", "Bob")]).await;
    vanish(&bus.here, &phone).await;
    vanish(&bus.here, &phone).await;
    sleep(QUIET).await;
    assert_present(bus, &[("ada", "Ada L."), ("bob", "Bob")]).await;
    vanish(&bus.there, &laptop).await;
    assert_present(bus, &[("bob", "Bob")]).await;
    appear(&bus.there, &other, "eve", "Eve").await;
    assert_present(bus, &[("eve", "Eve")]).await;
}

async fn presence_ends_with_the_channel(bus: &Bus) {
    let (here, there) = (unique(&bus.here), unique(&bus.there));
    appear(&bus.here, &here, "ada", "Ada").await;
    appear(&bus.there, &there, "bob", "Bob").await;
    assert_present(bus, &[("ada", "Ada"), ("bob", "Bob")]).await;
    drop(there);
    assert_present(bus, &[("ada", "Ada")]).await;
    drop(here);
    assert_present(bus, &[]).await;
}

type Seen = Arc<Mutex<Vec<PresenceEvent>>>;

fn watch(layer: &Arc<dyn Layer>, seen: &Seen) -> Watch {
    let seen = Arc::clone(seen);
    let note = move |event: &PresenceEvent| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(event.clone());
    };
    layer
        .watch("check.present", Arc::new(note))
        .expect("watched")
}

async fn assert_seen(seen: &Seen, expected: &[PresenceEvent]) {
    let get = || seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    until(&format!("{expected:?} were seen"), async || {
        get().len() >= expected.len()
    })
    .await;
    assert_eq!(get(), expected);
}

async fn presence_is_watched_on_both_sides(bus: &Bus) {
    use PresenceEvent::{Joined, Left};
    let (seen_here, seen_there) = (Seen::default(), Seen::default());
    let (phone, laptop) = (unique(&bus.here), unique(&bus.there));
    let watching = (watch(&bus.here, &seen_here), watch(&bus.there, &seen_there));
    sleep(QUIET).await;
    let ada = present("ada", "Ada");
    appear(&bus.here, &phone, "ada", "Ada").await;
    for seen in [&seen_here, &seen_there] {
        assert_seen(seen, &[Joined(ada.clone())]).await;
    }
    appear(&bus.there, &laptop, "ada", "Ada").await;
    appear(&bus.there, &laptop, "ada", "Ada").await;
    assert_present(bus, &[("ada", "Ada")]).await;
    // Also from afar the second device must have been heard of before the first one goes.
    sleep(3 * QUIET).await;
    vanish(&bus.here, &phone).await;
    sleep(QUIET).await;
    drop(laptop);
    for seen in [&seen_here, &seen_there] {
        assert_seen(seen, &[Joined(ada.clone()), Left(ada.clone())]).await;
    }
    drop(watching);
    appear(&bus.here, &phone, "ada", "Ada").await;
    assert_present(bus, &[("ada", "Ada")]).await;
    sleep(QUIET).await;
    for seen in [&seen_here, &seen_there] {
        assert_seen(seen, &[Joined(ada.clone()), Left(ada.clone())]).await;
    }
}

async fn what_happens_is_counted(bus: &Bus) {
    let receiver = named(&bus.here, "small.counted");
    let before = bus.here.counts();
    for number in 0..4 {
        // The fourth does not fit; that is what is counted.
        let _ = bus.here.send(receiver.name(), numbered(number)).await;
    }
    until(
        "four were sent, three delivered, one was lost",
        async || {
            let now = bus.here.counts();
            let grown = (
                now.sent - before.sent,
                now.delivered - before.delivered,
                now.full - before.full,
            );
            grown == (4, 3, 1)
        },
    )
    .await;
    assert_eq!(bus.here.health(), Ok(()));
}

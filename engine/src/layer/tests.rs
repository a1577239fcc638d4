//! The memory layer, and what is particular to it.

use super::suite::{Bus, suite};
use super::*;

#[tokio::test(start_paused = true)]
async fn row_20_the_memory_layer_does_what_every_layer_must() {
    suite(async |limits| Bus::alone(&MemoryLayer::new(limits))).await;
}

fn text(text: &str) -> Arc<Message> {
    Arc::new(Message::of("check.text").with("text", text))
}

/// Counts, and opens and sends where no mailbox should.
struct Nosy {
    layer: std::sync::OnceLock<Arc<MemoryLayer>>,
    channel: std::sync::Mutex<Option<Channel>>,
}

impl Mailbox for Nosy {
    fn deliver(&self, _: u64, _: Delivery) -> Result<(), MailboxFull> {
        let layer = self.layer.get().expect("set before the first message");
        assert!(
            layer
                .open(Address::Unique("nosy"), Arc::new(Deaf), 0)
                .is_ok()
        );
        drop(self.channel.lock().map(|mut channel| channel.take()));
        Ok(())
    }

    fn missed(&self, _: u64) {}
}

struct Deaf;

impl Mailbox for Deaf {
    fn deliver(&self, _: u64, _: Delivery) -> Result<(), MailboxFull> {
        Ok(())
    }

    fn missed(&self, _: u64) {}
}

/// Remembers the keys of each call; the one with key 9 is always full.
#[derive(Default)]
struct Roll(std::sync::Mutex<Vec<Vec<u64>>>);

impl Roll {
    fn take(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.0.lock().expect("unharmed"))
    }
}

impl Mailbox for Roll {
    fn deliver(&self, key: u64, delivery: Delivery) -> Result<(), MailboxFull> {
        match self.deliver_many(&[key], delivery) {
            0 => Ok(()),
            _ => Err(MailboxFull),
        }
    }

    fn deliver_many(&self, keys: &[u64], _: Delivery) -> usize {
        self.0.lock().expect("unharmed").push(keys.into());
        keys.iter().filter(|&&key| key == 9).count()
    }

    fn missed(&self, _: u64) {}
}

#[tokio::test]
async fn members_with_one_mailbox_are_served_in_one_call() {
    let layer = MemoryLayer::new(LayerLimits::default());
    let (first, second) = (Arc::<Roll>::default(), Arc::<Roll>::default());
    let open = |address: Address, roll: &Arc<Roll>, key| {
        let opened = layer.open(address, Arc::<Roll>::clone(roll), key);
        opened.expect("a channel")
    };
    let unique = Address::Unique("roll");
    let named = || Address::Named("shared".into());
    let mut channels = vec![
        open(unique.clone(), &first, 1),
        open(unique.clone(), &second, 2),
        open(unique.clone(), &first, 9),
        open(named(), &first, 3),
        open(unique, &second, 4),
    ];
    for channel in &channels {
        layer.group_add("g", channel.name()).await.expect("added");
    }
    let send = async || {
        layer.group_send("g", text("x")).await.expect("sent");
        (first.take(), second.take())
    };
    assert_eq!(send().await, (vec![vec![1, 9, 3]], vec![vec![2, 4]]));
    assert_eq!((layer.counts().delivered, layer.counts().full), (4, 1));
    let other = open(named(), &second, 5);
    let (to_first, to_second) = (vec![vec![1, 9], vec![3]], vec![vec![2, 4]]);
    assert_eq!(send().await, (to_first, to_second), "the first in turn");
    let (to_first, to_second) = (vec![vec![1, 9]], vec![vec![2, 4], vec![5]]);
    assert_eq!(send().await, (to_first, to_second), "and the other");
    drop(channels.remove(3));
    assert_eq!(send().await, (vec![vec![1, 9]], vec![vec![2, 5, 4]]));
    drop((other, channels.remove(0)));
    assert_eq!(send().await, (vec![vec![9]], vec![vec![2, 4]]));
}

#[tokio::test]
async fn a_mailbox_that_calls_back_or_closes_itself_stops_nobody() {
    let layer = MemoryLayer::new(LayerLimits::default());
    let nosy = Arc::new(Nosy {
        layer: std::sync::OnceLock::new(),
        channel: std::sync::Mutex::default(),
    });
    let channel = layer.open(Address::Unique("nosy"), Arc::<Nosy>::clone(&nosy), 0);
    let channel = channel.expect("a channel");
    layer.group_add("g", channel.name()).await.expect("added");
    assert!(nosy.layer.set(Arc::clone(&layer)).is_ok());
    *nosy.channel.lock().expect("unharmed") = Some(channel);
    layer.group_send("g", text("a")).await.expect("sent");
    layer.group_send("g", text("b")).await.expect("sent");
    assert_eq!(layer.counts().delivered, 1, "then it was gone");
}

#[tokio::test]
async fn a_watcher_may_act_on_what_it_is_told_and_hears_of_it_afterwards() {
    let layer = MemoryLayer::new(LayerLimits::default());
    let dyn_layer: Arc<dyn Layer> = Arc::<MemoryLayer>::clone(&layer);
    let limits = LayerLimits::default();
    let queue = || open_queue(&*dyn_layer, Address::Unique("q"), &limits).expect("a channel");
    let (first, second) = (queue(), Arc::new(std::sync::Mutex::new(Some(queue()))));
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (closes, sees) = (Arc::clone(&second), Arc::clone(&seen));
    let sink: PresenceSink = Arc::new(move |event| {
        sees.lock().expect("unharmed").push(event.clone());
        drop(closes.lock().map(|mut channel| channel.take()));
    });
    let _watch = layer.watch("g", sink).expect("watched");
    let who = |id: &str| Present {
        id: id.into(),
        name: id.into(),
    };
    let name = second
        .lock()
        .expect("unharmed")
        .as_ref()
        .map(|q| Arc::clone(q.name()));
    layer
        .appear("g", &name.expect("open"), who("b"))
        .await
        .expect("there");
    layer
        .appear("g", first.name(), who("a"))
        .await
        .expect("there");
    let expected = [
        PresenceEvent::Joined(who("b")),
        PresenceEvent::Left(who("b")),
        PresenceEvent::Joined(who("a")),
    ];
    assert_eq!(*seen.lock().expect("unharmed"), expected);
}

#[tokio::test]
async fn nothing_stays_behind() {
    let layer = MemoryLayer::new(LayerLimits::default());
    let who = Present {
        id: "a".into(),
        name: "A".into(),
    };
    for _ in 0..100 {
        let channel = layer
            .open(Address::Unique("c"), Arc::new(Deaf), 0)
            .expect("a channel");
        let watch = layer.watch("g", Arc::new(|_| ())).expect("watched");
        layer.group_add("g", channel.name()).await.expect("added");
        layer
            .appear("g", channel.name(), who.clone())
            .await
            .expect("there");
        layer.group_add("g", "nobody").await.expect("ignored");
        layer
            .appear("g", "nobody", who.clone())
            .await
            .expect("ignored");
        layer.send("nobody", text("x")).await.expect("lost");
        drop((channel, watch));
    }
    assert!(layer.is_empty());
}

#[tokio::test(start_paused = true)]
async fn losses_are_told_once_where_they_happened() {
    let layer = MemoryLayer::new(LayerLimits {
        capacity: 2,
        ..LayerLimits::default()
    });
    let queue = open_queue(&*layer, Address::Unique("q"), layer.limits()).expect("a channel");
    for text_of in ["a", "b", "lost", "lost"] {
        let _ = layer.send(queue.name(), text(text_of)).await;
    }
    assert_eq!(queue.receive().await, Received::Message(text("a")));
    layer
        .send(queue.name(), text("c"))
        .await
        .expect("room again");
    assert_eq!(queue.receive().await, Received::Message(text("b")));
    assert_eq!(queue.receive().await, Received::Missed(2));
    tokio::time::sleep(layer.limits().expiry).await;
    layer
        .send(queue.name(), text("d"))
        .await
        .expect("room again");
    assert_eq!(queue.receive().await, Received::Missed(1), "c was too old");
    assert_eq!(queue.receive().await, Received::Message(text("d")));
    assert_eq!((queue.try_receive(), queue.lost()), (None, 3));
}

#[tokio::test]
async fn several_may_read_one_queue() {
    let layer = MemoryLayer::new(LayerLimits::default());
    let queue = open_queue(&*layer, Address::Unique("q"), layer.limits()).expect("a channel");
    let queue = Arc::new(queue);
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let queue = Arc::clone(&queue);
        readers.spawn(async move { queue.receive().await });
    }
    tokio::task::yield_now().await;
    for _ in 0..4 {
        layer.send(queue.name(), text("x")).await.expect("sent");
    }
    let all = tokio::time::timeout(Duration::from_secs(5), readers.join_all()).await;
    assert_eq!(all.map(|all| all.len()), Ok(4));
}

#[test]
fn lengths_are_those_of_messagepack() {
    let value = |value: Value| Message::of("t").with("v", value);
    for message in [
        Message::default(),
        value(Value::Null),
        value(Value::Float(1.5)),
        value(Value::List(vec![Value::Int(7); 15])),
        value(Value::List(vec![Value::Bool(true); 16])),
        value(Value::List(vec![Value::Int(-200); 70_000])),
    ] {
        check_length(&message);
    }
    for length in [0, 1, 31, 32, 255, 256, 65_535, 65_536] {
        check_length(&value("x".repeat(length).into()));
        check_length(&value(vec![1u8; length].into()));
    }
    let edges = [
        0,
        -32,
        -33,
        127,
        128,
        255,
        256,
        -128,
        -129,
        65_535,
        65_536,
        1 << 31,
        1 << 32,
    ];
    for number in edges.into_iter().chain([
        -(1 << 15),
        -(1 << 15) - 1,
        -(1 << 31),
        -(1 << 31) - 1,
        i64::MIN,
    ]) {
        check_length(&value(number.into()));
    }
    let fields = (0..20).map(|n| (format!("field {n}"), Value::Int(n)));
    check_length(&Message(fields.collect()));
}

fn check_length(message: &Message) {
    let packed = rmp_serde::to_vec(message).expect("all of it can be packed");
    assert!(
        message.packed_bytes() == packed.len(),
        "{:.200}",
        format!("{message:?}")
    );
}

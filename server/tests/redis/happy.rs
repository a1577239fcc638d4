//! Two processes that talk, in all set-ups.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use downbeat::layer::{Address, Layer as _, PresenceEvent, Present};

use crate::guard::{Setup, eventually, redis};
use crate::inbox::{Inbox, numbered};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_to_channels_and_groups_of_other_processes_in_order() {
    let Some(servers) = redis(2) else { return };
    for setup in Setup::all() {
        let (here, there) = (setup.layer(&servers).await, setup.layer(&servers).await);
        let inbox = Inbox::new();
        let one = there.open(Address::Unique("session"), inbox.clone(), 1);
        let two = there.open(Address::Unique("room"), inbox.clone(), 2);
        let (one, two) = (one.expect("a name"), two.expect("a name"));
        for channel in [&one, &two] {
            there
                .group_add("lobby", channel.name())
                .await
                .expect("it answers");
        }
        for number in 0..50 {
            let sent = here.group_send("lobby", numbered(number)).await;
            sent.expect("it answers");
        }
        eventually("all came", || inbox.len() == 100).await;
        for key in [1, 2] {
            assert_eq!(inbox.numbers(key), Vec::from_iter(0..50), "{setup:?}");
        }
        inbox.take();
        for number in 0..50 {
            here.send(one.name(), numbered(number)).await.expect("room");
        }
        eventually("all came", || inbox.len() == 50).await;
        assert_eq!(inbox.numbers(1), Vec::from_iter(0..50), "{setup:?}");
        inbox.take();
        there
            .group_discard("lobby", one.name())
            .await
            .expect("it answers");
        drop(two);
        let three = there
            .open(Address::Unique("room"), inbox.clone(), 3)
            .expect("a name");
        there
            .group_add("lobby", three.name())
            .await
            .expect("it answers");
        here.group_send("lobby", numbered(7))
            .await
            .expect("it answers");
        eventually("it came", || inbox.len() == 1).await;
        assert_eq!(inbox.numbers(3), [7], "{setup:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_present_is_known_to_all_processes() {
    let Some(servers) = redis(2) else { return };
    for setup in Setup::all() {
        let (here, there) = (setup.layer(&servers).await, setup.layer(&servers).await);
        let told = Arc::<Mutex<Vec<PresenceEvent>>>::default();
        let sink = Arc::clone(&told);
        let watch = here.watch(
            "lobby",
            Arc::new(move |event| sink.lock().expect("no panic").push(event.clone())),
        );
        let _watch = watch.expect("a name");
        here.present("lobby").await.expect("it answers");
        let ada = Present {
            id: "1".into(),
            name: "Ada".into(),
        };
        let channel = there.open(Address::Unique("session"), Inbox::new(), 1);
        let channel = channel.expect("a name");
        let other = here.open(Address::Unique("session"), Inbox::new(), 1);
        let other = other.expect("a name");
        there
            .appear("lobby", channel.name(), ada.clone())
            .await
            .expect("it answers");
        let again = Present {
            id: "1".into(),
            name: "Ada L.".into(),
        };
        here.appear("lobby", other.name(), again.clone())
            .await
            .expect("it answers");
        let present = here.present("lobby").await.expect("it answers");
        assert_eq!(present, BTreeSet::from([again.clone()]), "{setup:?}");
        here.vanish("lobby", other.name())
            .await
            .expect("it answers");
        let present = here.present("lobby").await.expect("it answers");
        assert_eq!(present, BTreeSet::from([ada.clone()]), "{setup:?}");
        drop(channel);
        let told = || told.lock().expect("no panic").clone();
        eventually("she left", || told().len() == 2).await;
        let expected = [PresenceEvent::Joined(ada.clone()), PresenceEvent::Left(ada)];
        assert_eq!(told(), expected, "{setup:?}");
        assert_eq!(there.present("lobby").await, Ok(BTreeSet::new()));
    }
}

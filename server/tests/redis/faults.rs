//! Redis killed, paused, flushed, and talking nonsense: what is here stays, heals, and says that
//! something may have been missed.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use downbeat::layer::{Address, Channel, Layer as _, LayerError, Present};
use downbeat_server::RedisLayer;
use downbeat_server::config::{LayerConfig, RedisFormat, Secret};

use crate::guard::{Redis, Setup, eventually, redis};
use crate::inbox::{Inbox, numbered};

const FORMATS: [RedisFormat; 2] = [RedisFormat::PubSub, RedisFormat::Core];

/// Two processes; one has a member in a group and somebody present.
struct Scene {
    servers: Vec<Redis>,
    here: Arc<RedisLayer>,
    there: Arc<RedisLayer>,
    inbox: Arc<Inbox>,
    member: Channel,
}

async fn scene(format: RedisFormat) -> Option<Scene> {
    let servers = redis(1)?;
    let setup = Setup {
        format,
        is_sealed: false,
        hosts: 1,
    };
    let (here, there) = (setup.layer(&servers).await, setup.layer(&servers).await);
    let inbox = Inbox::new();
    let member = there.open(Address::Unique("session"), inbox.clone(), 1);
    let member = member.expect("a name");
    there
        .group_add("lobby", member.name())
        .await
        .expect("it answers");
    there
        .appear("lobby", member.name(), ada())
        .await
        .expect("it answers");
    Some(Scene {
        servers,
        here,
        there,
        inbox,
        member,
    })
}

fn ada() -> Present {
    Present {
        id: "1".into(),
        name: "Ada".into(),
    }
}

impl Scene {
    /// The member learned of the gap, is in its group and present, and still has its channel.
    async fn heals(&self) {
        let inbox = &self.inbox;
        let (here, there) = (&self.here, &self.there);
        eventually("all connected", || {
            here.health().is_ok() && there.health().is_ok()
        })
        .await;
        eventually("told of the gap", || inbox.missed(1)).await;
        self.works().await;
    }

    /// Redis, which had forgotten it, knows who is present, and in which groups.
    async fn is_told_again(&self) {
        let mut is_there = false;
        for _ in 0..500 {
            let present = self.here.present("lobby").await;
            is_there = present.is_ok_and(|who| who.len() == 1);
            if is_there {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(is_there);
        self.works().await;
    }

    async fn works(&self) {
        let here = &self.here;
        self.inbox.take();
        here.group_send("lobby", numbered(1))
            .await
            .expect("it answers");
        here.send(self.member.name(), numbered(2))
            .await
            .expect("it answers");
        eventually("both came", || self.inbox.numbers(1) == [1, 2]).await;
        let present = here.present("lobby").await.expect("it answers");
        assert_eq!(Vec::from_iter(present), [ada()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_redis_was_killed_groups_and_presence_heal_and_the_gap_is_reported() {
    for format in FORMATS {
        let Some(mut scene) = scene(format).await else {
            return;
        };
        scene.servers[0].kill();
        let here = Arc::clone(&scene.here);
        eventually("seen", || here.health().is_err()).await;
        let began = Instant::now();
        let sent = scene.here.group_send("lobby", numbered(0)).await;
        assert!(matches!(sent, Err(LayerError::Unavailable(_))), "{sent:?}");
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        scene.servers[0].restart();
        scene.heals().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_redis_was_paused_groups_and_presence_heal_and_the_gap_is_reported() {
    for format in FORMATS {
        let Some(scene) = scene(format).await else {
            return;
        };
        scene.servers[0].signal("-STOP");
        let (here, there) = (Arc::clone(&scene.here), Arc::clone(&scene.there));
        let began = Instant::now();
        let sent = scene.here.group_send("lobby", numbered(0)).await;
        assert!(matches!(sent, Err(LayerError::Unavailable(_))), "{sent:?}");
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        eventually("seen", || here.health().is_err() && there.health().is_err()).await;
        scene.servers[0].signal("-CONT");
        scene.heals().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_redis_was_flushed_groups_and_presence_heal() {
    for format in FORMATS {
        let Some(scene) = scene(format).await else {
            return;
        };
        scene.servers[0]
            .ask::<String>(&["FLUSHALL"])
            .expect("it answers");
        if format == RedisFormat::Core {
            // Messages waited in the keys that are gone.
            let inbox = Arc::clone(&scene.inbox);
            eventually("told of the gap", || inbox.missed(1)).await;
        }
        scene.is_told_again().await;
    }
}

/// Whoever appears makes its process's lease anew, by whose absence a flush is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_is_noticed_also_if_somebody_appears_before_anybody_has_looked() {
    for format in FORMATS {
        let Some(scene) = scene(format).await else {
            return;
        };
        let there = &scene.there;
        let late = there.open(Address::Unique("session"), scene.inbox.clone(), 2);
        let late = late.expect("a name");
        scene.servers[0]
            .ask::<String>(&["FLUSHALL"])
            .expect("it answers");
        let appeared = there.appear("gallery", late.name(), ada()).await;
        appeared.expect("it answers");
        scene.is_told_again().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_opened_joined_and_left_while_redis_is_away_holds_when_it_is_back() {
    for format in FORMATS {
        let Some(mut scene) = scene(format).await else {
            return;
        };
        scene.servers[0].kill();
        let there = Arc::clone(&scene.there);
        eventually("seen", || there.health().is_err()).await;
        let late = there.open(Address::Unique("room"), scene.inbox.clone(), 2);
        let late = late.expect("a name");
        let added = there.group_add("lobby", late.name()).await;
        assert!(
            matches!(added, Err(LayerError::Unavailable(_))),
            "{added:?}"
        );
        let left = there.group_discard("lobby", scene.member.name()).await;
        assert!(matches!(left, Err(LayerError::Unavailable(_))), "{left:?}");
        scene.servers[0].restart();
        let here = Arc::clone(&scene.here);
        eventually("back", || here.health().is_ok() && there.health().is_ok()).await;
        scene.inbox.take();
        here.group_send("lobby", numbered(3))
            .await
            .expect("it answers");
        here.send(scene.member.name(), numbered(4))
            .await
            .expect("it answers");
        let inbox = Arc::clone(&scene.inbox);
        eventually("both came", || {
            !inbox.numbers(1).is_empty() && !inbox.numbers(2).is_empty()
        })
        .await;
        assert_eq!((inbox.numbers(1), inbox.numbers(2)), (vec![4], vec![3]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_messages_to_a_redis_that_hangs_are_refused_in_bounded_time() {
    for format in FORMATS {
        let Some(scene) = scene(format).await else {
            return;
        };
        scene.servers[0].signal("-STOP");
        let began = Instant::now();
        let sends = (0..5000).map(|number| {
            let here = Arc::clone(&scene.here);
            tokio::spawn(async move { here.group_send("lobby", numbered(number)).await })
        });
        for send in Vec::from_iter(sends) {
            let sent = send.await.expect("no panic");
            assert!(matches!(sent, Err(LayerError::Unavailable(_))), "{sent:?}");
        }
        assert!(
            began.elapsed() < Duration::from_secs(9),
            "{:?}",
            began.elapsed()
        );
        scene.servers[0].signal("-CONT");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_of_a_killed_process_leave_when_its_lease_is_over() {
    let Some(Scene {
        servers,
        here,
        there,
        inbox,
        member,
    }) = scene(RedisFormat::PubSub).await
    else {
        return;
    };
    // Its tasks end at once, and it says nothing: as after `kill -9`.
    std::mem::forget(member);
    drop(there);
    let leases = "asgi:presence-leases";
    let alive: Vec<String> = servers[0]
        .ask(&["ZRANGE", leases, "0", "-1"])
        .expect("it answers");
    assert_eq!(alive.len(), 2);
    // The lease's time passes; who lives renews it before anybody looks.
    for process in alive {
        let over = servers[0].ask::<i64>(&["ZADD", leases, "XX", "1", &process]);
        over.expect("it answers");
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    let mut present = here.present("lobby").await.expect("it answers");
    for _ in 0..300 {
        if present.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        present = here.present("lobby").await.expect("it answers");
    }
    assert_eq!(Vec::from_iter(present), []);
    let keys: Vec<String> = servers[0]
        .ask(&["KEYS", "asgi:presence*"])
        .expect("it answers");
    assert_eq!(keys, ["asgi:presence-leases"], "nothing of it is left");
    drop(inbox);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_in_redis_is_counted_and_hurts_nobody() {
    for format in FORMATS {
        let Some(scene) = scene(format).await else {
            return;
        };
        let redis = &scene.servers[0];
        let deep = "\u{11}".to_owned() + &"\u{11}".repeat(5000);
        let nonsense = ["", "x", "\u{7f}", "not messagepack at all", &deep];
        let before = scene.there.counts().malformed;
        for bytes in nonsense {
            match format {
                RedisFormat::PubSub => {
                    redis
                        .ask::<i64>(&["PUBLISH", scene.member.name(), bytes])
                        .expect("answered");
                    redis
                        .ask::<i64>(&["PUBLISH", "asgi__group__lobby", bytes])
                        .expect("answered");
                }
                RedisFormat::Core => {
                    let name = scene.member.name();
                    let (queue, _) = name.split_once('!').expect("it has one");
                    let key = format!("asgi{queue}!");
                    let score = "99999999999";
                    redis
                        .ask::<i64>(&["ZADD", &key, score, bytes])
                        .expect("answered");
                }
            }
        }
        let there = Arc::clone(&scene.there);
        eventually("counted", || there.counts().malformed - before >= 5).await;
        redis
            .ask::<i64>(&["HSET", "asgi:presence:lobby", "e:x:y", "nonsense"])
            .expect("answered");
        redis
            .ask::<i64>(&["PUBLISH", "asgi:presence-events:lobby", "+nonsense"])
            .expect("answered");
        scene.works().await;
        assert!(scene.inbox.take().len() == 2, "nothing of it was delivered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_no_redis_is_unavailable_and_nothing_worse() {
    for nonsense in [
        "",
        "-ERR no\r\n",
        "+OK\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "$99999999999999\r\n",
        "*2147483647\r\n",
        ">3\r\n+message\r\n:1\r\n_\r\n",
        ":9999999999999999999999\r\n",
        "\0\0\0\0",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 1024]);
                for _ in 0..10 {
                    let _ = stream.write_all(nonsense.as_bytes());
                }
            }
        });
        let config = LayerConfig {
            hosts: vec![Secret::new(format!("redis://:hushhush@127.0.0.1:{port}"))],
            ..LayerConfig::default()
        };
        let layer = RedisLayer::start(&config).expect("an address");
        let sent = layer.group_send("lobby", numbered(1)).await;
        assert!(
            matches!(sent, Err(LayerError::Unavailable(_))),
            "{nonsense:?}: {sent:?}"
        );
        let health = layer.health().expect_err("it is none");
        assert!(!health.contains("hushhush"), "{health}");
    }
}

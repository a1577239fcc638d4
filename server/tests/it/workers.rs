//! Background workers on named channels.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use downbeat::layer::{Message, Value};
use downbeat_server::{App, Config, Running, Services, WorkerOptions};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::stage::{request, status};

const PATIENCE: Duration = Duration::from_secs(10);

async fn start(app: App) -> Running {
    let config = Config {
        admin: Some("127.0.0.1:0".parse().expect("an address")),
        ..Config::for_tests()
    };
    app.start(config).await.expect("the server starts")
}

fn number(message: &Message) -> i64 {
    match message.0.get("n") {
        Some(Value::Int(n)) => *n,
        other => panic!("no number: {other:?}"),
    }
}

fn numbered(n: i64) -> Message {
    Message::of("count").with("n", n)
}

#[tokio::test]
async fn row_24_a_worker_gets_what_is_sent_to_its_channel_in_order_and_answers() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let work = move |services: Services, message: Message| {
        let tell = tell.clone();
        async move {
            let n = number(&message);
            services
                .send("answers", numbered(n * n))
                .await
                .expect("sent");
            tell.send(n).expect("the test waits");
        }
    };
    let (answer, mut answers) = mpsc::unbounded_channel();
    let listen = move |_: Services, message: Message| {
        let _ = answer.send(number(&message));
        async {}
    };
    let app = App::new().worker("squares", work).worker("answers", listen);
    let running = start(app).await;
    let services = running.services();
    for n in 0..50 {
        services.send("squares", numbered(n)).await.expect("sent");
    }
    for n in 0..50 {
        assert_eq!(timeout(PATIENCE, told.recv()).await, Ok(Some(n)));
        assert_eq!(timeout(PATIENCE, answers.recv()).await, Ok(Some(n * n)));
    }
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_worker_that_panics_loses_that_message_only_and_is_counted() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let work = move |_: Services, message: Message| {
        let n = number(&message);
        // Before there is anything to await, too.
        assert_ne!(n, 1, "this one is bad");
        let tell = tell.clone();
        async move {
            assert_ne!(n, 3, "this one too");
            let _ = tell.send(n);
        }
    };
    let running = start(App::new().worker("fragile", work)).await;
    let services = running.services();
    for n in 0..5 {
        services.send("fragile", numbered(n)).await.expect("sent");
    }
    for n in [0, 2, 4] {
        assert_eq!(timeout(PATIENCE, told.recv()).await, Ok(Some(n)));
    }
    let admin = running.admin_addr().expect("asked for");
    let metrics = request(admin, "GET", "/metrics", "").await;
    assert_eq!(status(&metrics), 200);
    let panicked = r#"downbeat_worker_panicked_total{channel="fragile"} 2"#;
    assert!(metrics.contains(panicked), "{metrics}");
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn as_many_messages_are_worked_on_at_once_as_was_asked_for_and_no_more() {
    let [busy, most] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let (tell, mut told) = mpsc::unbounded_channel();
    let seen = Arc::clone(&most);
    let work = move |_: Services, _: Message| {
        let (busy, most, tell) = (Arc::clone(&busy), Arc::clone(&seen), tell.clone());
        async move {
            most.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            busy.fetch_sub(1, Ordering::SeqCst);
            let _ = tell.send(());
        }
    };
    let options = WorkerOptions { concurrency: 3 };
    let running = start(App::new().worker_with("pool", options, work)).await;
    let services = running.services();
    for n in 0..12 {
        services.send("pool", numbered(n)).await.expect("sent");
    }
    for _ in 0..12 {
        timeout(PATIENCE, told.recv()).await.expect("done in time");
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn two_workers_of_one_name_share_its_messages() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let make = |name: &'static str| {
        let tell = tell.clone();
        move |_: Services, message: Message| {
            let _ = tell.send((name, number(&message)));
            async {}
        }
    };
    let app = App::new()
        .worker("shared", make("one"))
        .worker("shared", make("two"));
    let running = start(app).await;
    let services = running.services();
    for n in 0..20 {
        services.send("shared", numbered(n)).await.expect("sent");
    }
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(
            timeout(PATIENCE, told.recv())
                .await
                .expect("in time")
                .expect("open"),
        );
    }
    let mut numbers: Vec<_> = all.iter().map(|&(_, n)| n).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>(), "each once");
    for name in ["one", "two"] {
        assert!(all.iter().any(|&(of, _)| of == name), "{name} got nothing");
    }
    running.stop().await.expect("stopped");
}

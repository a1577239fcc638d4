//! Redis killed, paused for ten seconds, flushed, under players who are in games of two servers:
//! nobody is disconnected, no tick is missing, and what was torn heals by itself.

mod scene;

use std::time::{Duration, Instant};

use downbeat_server::config::RedisFormat;

use self::scene::Scene;
use crate::guard::eventually;

/// For how long Redis is paused, or dead.
const AWAY: Duration = Duration::from_secs(10);

/// What befalls Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Killed,
    Paused,
    Flushed,
}

/// Runs this with both formats, as tests of their own.
macro_rules! in_both_formats {
    ($($test:ident: $fault:ident),* $(,)?) => {
        mod pubsub { $(in_both_formats!(@one PubSub $test $fault);)* }
        mod core { $(in_both_formats!(@one Core $test $fault);)* }
    };
    (@one $format:ident $test:ident $fault:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            use super::*;
            players_go_on(RedisFormat::$format, Fault::$fault).await;
        }
    };
}

in_both_formats!(
    while_redis_is_dead_players_go_on_and_afterwards_all_is_as_before: Killed,
    while_redis_is_paused_for_ten_seconds_players_go_on_and_afterwards_all_is_as_before: Paused,
    when_redis_is_flushed_players_go_on_and_all_is_as_before: Flushed,
);

async fn players_go_on(format: RedisFormat, fault: Fault) {
    let Some(mut scene) = Scene::open(format).await else {
        return;
    };
    scene.hear_each_other("before").await;
    scene.see_each_other(&["Ada", "Bob", "Dan"]).await;
    let told = scene.told_of_gaps().await;
    let frames = scene.frames();
    let began = Instant::now();
    match fault {
        Fault::Killed => scene.redis[0].kill(),
        Fault::Paused => scene.redis[0].signal("-STOP"),
        Fault::Flushed => scene.redis[0].ask::<()>(&["FLUSHALL"]).expect("answered"),
    }
    scene.somebody_comes_and_goes().await;
    if fault != Fault::Flushed {
        scene.messages_are_refused_and_none_is_kept().await;
        tokio::time::sleep(AWAY.saturating_sub(began.elapsed())).await;
        assert!(scene.are_away(), "and it was away all the time");
        let due = began.elapsed().as_secs_f32() * 20.0;
        for (now, before) in scene.frames().into_iter().zip(frames) {
            let came = now - before;
            assert!(came as f32 > due / 4.0, "{came} frames of {due}");
        }
        match fault {
            Fault::Killed => scene.redis[0].restart(),
            _ => scene.redis[0].signal("-CONT"),
        }
        eventually("connected again", || scene.are_connected()).await;
    }
    if (format, fault) != (RedisFormat::PubSub, Fault::Flushed) {
        // What is published is in no key that could be flushed: there is no gap then.
        scene.were_told_of_the_gap(told).await;
    }
    scene.see_each_other(&["Ada", "Bob", "Cyd"]).await;
    scene.hear_each_other("after").await;
    scene.only_what_was_on_its_way_came_late();
    scene.were_undisturbed().await;
}

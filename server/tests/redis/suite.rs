//! What every layer must do, over Redis.

use std::collections::BTreeSet;
use std::sync::Arc;

use downbeat::layer::{
    Address, Channel, Layer, LayerCounts, LayerError, LayerLimits, Mailbox, Message, Pending,
    PresenceSink, Present, Watch,
};
use downbeat::testing::layer::{Bus, suite};
use downbeat_server::RedisLayer;
use downbeat_server::config::RedisFormat;

use crate::guard::{Setup, redis, start};

/// A process, as far away from the other that a name takes longer between them than Redis takes to
/// be told of it.
struct Far {
    layer: Arc<RedisLayer>,
    other: Arc<RedisLayer>,
}

async fn all_checks(format: RedisFormat, is_sealed: bool, hosts: usize) {
    let setup = Setup {
        format,
        is_sealed,
        hosts,
    };
    if redis(0).is_none() {
        return;
    }
    suite(async |limits: LayerLimits| {
        let servers = redis(hosts).expect("just looked");
        let mut config = setup.config(&servers);
        config.capacity = limits.capacity;
        config.channel_capacity = limits.channel_capacity;
        config.expiry = limits.expiry;
        let (here, there) = (start(&config).await, start(&config).await);
        let far = |layer: &Arc<RedisLayer>, other: &Arc<RedisLayer>| Far {
            layer: Arc::clone(layer),
            other: Arc::clone(other),
        };
        Bus {
            here: Arc::new(far(&here, &there)),
            there: Arc::new(far(&there, &here)),
            tells_far_full: false,
            keep: Box::new(servers),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_pubsub_does_what_every_layer_does() {
    all_checks(RedisFormat::PubSub, false, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_pubsub_on_two_hosts_does_what_every_layer_does() {
    all_checks(RedisFormat::PubSub, false, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_pubsub_sealed_does_what_every_layer_does() {
    all_checks(RedisFormat::PubSub, true, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_pubsub_sealed_on_two_hosts_does_what_every_layer_does() {
    all_checks(RedisFormat::PubSub, true, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_core_does_what_every_layer_does() {
    all_checks(RedisFormat::Core, false, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_core_on_two_hosts_does_what_every_layer_does() {
    all_checks(RedisFormat::Core, false, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_core_sealed_does_what_every_layer_does() {
    all_checks(RedisFormat::Core, true, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_core_sealed_on_two_hosts_does_what_every_layer_does() {
    all_checks(RedisFormat::Core, true, 2).await;
}

impl Layer for Far {
    fn limits(&self) -> &LayerLimits {
        self.layer.limits()
    }

    fn open(
        &self,
        address: Address,
        mailbox: Arc<dyn Mailbox>,
        key: u64,
    ) -> Result<Channel, LayerError> {
        self.layer.open(address, mailbox, key)
    }

    fn send<'a>(
        &'a self,
        channel: &'a str,
        message: Arc<Message>,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(async move {
            self.other.settled().await?;
            self.layer.send(channel, message).await
        })
    }

    fn group_add<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        self.layer.group_add(group, channel)
    }

    fn group_discard<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        self.layer.group_discard(group, channel)
    }

    fn group_send<'a>(
        &'a self,
        group: &'a str,
        message: Arc<Message>,
    ) -> Pending<'a, Result<(), LayerError>> {
        self.layer.group_send(group, message)
    }

    fn appear<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
        who: Present,
    ) -> Pending<'a, Result<(), LayerError>> {
        self.layer.appear(group, channel, who)
    }

    fn vanish<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        self.layer.vanish(group, channel)
    }

    fn present<'a>(&'a self, group: &'a str) -> Pending<'a, Result<BTreeSet<Present>, LayerError>> {
        self.layer.present(group)
    }

    fn watch(&self, group: &str, sink: PresenceSink) -> Result<Watch, LayerError> {
        self.layer.watch(group, sink)
    }

    fn counts(&self) -> LayerCounts {
        self.layer.counts()
    }

    fn health(&self) -> Result<(), String> {
        self.layer.health()
    }
}

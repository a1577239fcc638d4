//! What one process says on the bus, with a link that is a list of frames.

use std::sync::Mutex;

use downbeat::layer::{Delivery, MailboxFull};
use futures_util::poll;
use tokio::io::{AsyncWriteExt as _, duplex};

use super::frame::{decode, read};
use super::ghosts::{Ghosts, Nobody};
use super::outbox::{OUTBOX_BYTES_MAX, Writer, outbox};
use super::*;

fn shared() -> Arc<Shared> {
    let path = Path::new("/nowhere/layer.sock");
    Arc::new(Shared::new(path, LayerLimits::default()).expect("randomness"))
}

fn link(shared: &Shared) -> Writer {
    let (outbox, writer) = outbox();
    shared.set_link(Ok(outbox));
    writer
}

/// All that was said to a link, which ends.
async fn said(shared: &Shared, writer: Writer) -> Vec<Frame> {
    shared.set_link(Err(String::new()));
    let (mut from, to) = duplex(64 * 1024);
    writer.run(to).await;
    let mut frames = Vec::new();
    while let bytes @ Some(_) = read(&mut from, 64 * 1024).await.expect("a frame") {
        frames.push(frame(bytes));
    }
    frames
}

fn frame(bytes: Option<Bytes>) -> Frame {
    let bytes = bytes.expect("not the end");
    decode(&bytes).expect("a frame").frame
}

fn unique(shared: &Arc<Shared>) -> Channel {
    let opened = shared.open(Address::Unique("test"), Arc::new(Nobody), 0);
    opened.expect("a channel")
}

fn work(shared: &Arc<Shared>) -> Channel {
    let opened = shared.open(Address::Named("work".into()), Arc::new(Nobody), 0);
    opened.expect("a channel")
}

fn ada() -> Present {
    Present {
        id: "ada".into(),
        name: "Ada".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_before_others_hear_of_it_is_said_to_be_gone() {
    let shared = shared();
    let channel = unique(&shared);
    let name = channel.name().to_string();
    let mut appearing = Box::pin(shared.appear("g", &name, ada()));
    assert!(poll!(&mut appearing).is_pending(), "there is no link yet");
    drop(channel);
    let writer = link(&shared);
    appearing.await.expect("said");
    let closed = Frame::Closed(name.clone());
    let appeared = Frame::Appear("g".into(), name, ada());
    assert_eq!(said(&shared, writer).await, [appeared, closed]);
}

#[tokio::test(start_paused = true)]
async fn who_vanishes_before_others_hear_of_it_is_said_to_have_vanished() {
    let shared = shared();
    let channel = unique(&shared);
    let name = channel.name().to_string();
    let mut appearing = Box::pin(shared.appear("g", &name, ada()));
    assert!(poll!(&mut appearing).is_pending(), "there is no link yet");
    let mut vanishing = Box::pin(shared.vanish("g", &name));
    assert!(poll!(&mut vanishing).is_pending(), "there is no link yet");
    let writer = link(&shared);
    vanishing.await.expect("said");
    appearing.await.expect("said");
    let said = said(&shared, writer).await;
    let vanished = Frame::Vanish("g".into(), name.clone());
    assert_eq!(said.last(), Some(&vanished), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn who_leaves_as_soon_as_another_process_let_it_appear_is_said_to_be_gone() {
    let shared = shared();
    let channel = unique(&shared);
    let name = channel.name().to_string();
    let held = Mutex::new(Some(channel));
    let leave: PresenceSink = Arc::new(move |_| drop(held.lock().expect("no panic").take()));
    let _watch = shared.local.watch("g", leave).expect("watched");
    let writer = link(&shared);
    let please = Frame::PleaseAppear("g".into(), name.clone(), ada());
    let please = encode(&To::Others, "other", please);
    let (mut ghosts, mut there) = (Ghosts::default(), BTreeSet::new());
    link::handle(&shared, &please, &mut ghosts, &mut there).await;
    let said = said(&shared, writer).await;
    assert_eq!(said.last(), Some(&Frame::Closed(name)), "{said:?}");
}

/// Nobody reads it, and it is full.
fn full(shared: &Shared) -> impl Future<Output = ()> + use<> {
    let writer = link(shared);
    let big = Bytes::from(vec![0; OUTBOX_BYTES_MAX as usize]);
    shared.link.borrow().as_ref().expect("linked").try_send(big);
    async move {
        let (_deaf, to) = duplex(1024);
        let ended = tokio::time::timeout(SEND_WITHIN, writer.run(to)).await;
        ended.expect("the link ends, so that the hub is told all again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_cannot_say_what_is_open_is_made_anew() {
    let shared = shared();
    let ends = full(&shared);
    let _channel = work(&shared);
    ends.await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_cannot_say_what_is_closed_is_made_anew() {
    let shared = shared();
    let channel = work(&shared);
    let ends = full(&shared);
    drop(channel);
    ends.await;
}

/// Plays the hub in a conversation: answers what it was told after the welcome.
async fn told(shared: &Arc<Shared>, past: &mut link::Past, hub: &str) -> Vec<Frame> {
    let (mut there, here) = UnixStream::pair().expect("sockets");
    let play = async {
        let hello = read(&mut there, 64 * 1024).await.expect("a frame");
        assert_eq!(frame(hello), Frame::Hello);
        let welcome = encode(&To::Others, hub, Frame::Welcome);
        there.write_all(&welcome).await.expect("written");
        // The last that it says by itself is a channel's end.
        let mut links = shared.link.subscribe();
        links.wait_for(Result::is_ok).await.expect("linked");
        drop(work(shared));
        let mut frames = Vec::new();
        while frames.last() != Some(&Frame::Close("work".into())) {
            let bytes = read(&mut there, 64 * 1024).await.expect("a frame");
            frames.push(frame(bytes));
        }
        drop(there);
        frames
    };
    let both = async { tokio::join!(link::converse(shared, here, past), play) };
    let both = tokio::time::timeout(Duration::from_secs(20), both).await;
    let (ended, frames) = both.expect("the conversation ends");
    ended.expect("there was a place");
    shared.set_link(Err(String::new()));
    frames
}

#[tokio::test]
async fn others_are_told_of_a_gap_if_only_this_process_lost_its_link() {
    let shared = shared();
    let mut past = link::Past::default();
    let work = || [Frame::Open("work".into()), Frame::Close("work".into())];
    assert_eq!(told(&shared, &mut past, "one").await, work());
    assert_eq!(told(&shared, &mut past, "two").await, work(), "all lost it");
    let again = told(&shared, &mut past, "two").await;
    assert_eq!(again, [[Frame::Gap].as_slice(), &work()].concat());
}

/// Reads one message, and leaves.
#[derive(Default)]
struct Once(Mutex<Option<Channel>>);

impl Mailbox for Once {
    fn deliver(&self, _: u64, _: Delivery) -> Result<(), MailboxFull> {
        drop(self.0.lock().expect("no panic").take());
        Ok(())
    }

    fn missed(&self, _: u64) {}
}

#[tokio::test(start_paused = true)]
async fn what_was_read_here_goes_to_nobody_else() {
    let shared = shared();
    let once = Arc::new(Once::default());
    let address = Address::Named("work".into());
    let opened = shared.open(address, Arc::clone(&once) as _, 0);
    *once.0.lock().expect("no panic") = Some(opened.expect("a channel"));
    let writer = link(&shared);
    let message = Arc::new(Message::of("test.text"));
    shared.send("work", message).await.expect("sent");
    assert!(once.0.lock().expect("no panic").is_none(), "it was read");
    assert_eq!(said(&shared, writer).await, [Frame::Close("work".into())]);
}

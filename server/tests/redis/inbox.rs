//! A mailbox that keeps everything.

use std::sync::{Arc, Mutex};

use downbeat::layer::{Delivery, Mailbox, MailboxFull, Message, Value};

/// What came in, for any number of channels.
#[derive(Default)]
pub(crate) struct Inbox {
    came: Mutex<Vec<(u64, Came)>>,
}

/// One thing that came in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Came {
    Message(Arc<Message>),
    Missed,
}

impl Inbox {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// All that has come in since the last call.
    pub(crate) fn take(&self) -> Vec<(u64, Came)> {
        std::mem::take(&mut *self.came.lock().expect("no panic"))
    }

    pub(crate) fn len(&self) -> usize {
        self.came.lock().expect("no panic").len()
    }

    pub(crate) fn missed(&self, key: u64) -> bool {
        let came = self.came.lock().expect("no panic");
        came.contains(&(key, Came::Missed))
    }

    /// The numbers `n` of the messages for one channel.
    pub(crate) fn numbers(&self, key: u64) -> Vec<i64> {
        let came = self.came.lock().expect("no panic");
        let numbers = came.iter().filter_map(|(to, came)| match came {
            Came::Message(message) if *to == key => match message.0.get("n") {
                Some(Value::Int(number)) => Some(*number),
                _ => None,
            },
            _ => None,
        });
        numbers.collect()
    }
}

impl Mailbox for Inbox {
    fn deliver(&self, key: u64, delivery: Delivery) -> Result<(), MailboxFull> {
        let mut came = self.came.lock().expect("no panic");
        came.push((key, Came::Message(delivery.message)));
        Ok(())
    }

    fn missed(&self, key: u64) {
        self.came
            .lock()
            .expect("no panic")
            .push((key, Came::Missed));
    }
}

/// A message with a number.
pub(crate) fn numbered(number: i64) -> Arc<Message> {
    Arc::new(Message::of("test.number").with("n", number))
}

//! A server that lies: a recording up to some message, then whatever the fuzzer says.
//!
//! The first byte chooses where the recording stops; then messages, each behind its length in two
//! bytes.
#![no_main]

use std::sync::LazyLock;

use downbeat::client::View;
use downbeat_tests::recorded::Recorded;
use libfuzzer_sys::fuzz_target;

/// The messages of a recording in a grid.
static STORY: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let recording = include_str!("../../tests/vectors/frames-tiers.json");
    let recording: serde_json::Value = serde_json::from_str(recording).expect("a recording");
    let messages = recording["messages"].as_array().expect("messages");
    let unhex = |message: &serde_json::Value| {
        let hex = message["hex"].as_str().expect("hex");
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        (0..hex.len()).step_by(2).map(byte).collect()
    };
    messages.iter().map(unhex).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((&chapters, mut left)) = data.split_first() else {
        return;
    };
    let mut view = View::<Recorded>::new();
    view.track_changes();
    for message in STORY.iter().take(usize::from(chapters)) {
        view.apply(message).expect("a recording");
    }
    while let [low, high, rest @ ..] = left {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (message, behind) = rest.split_at(length);
        left = behind;
        if view.apply(message).is_err() {
            return;
        }
        view.take_changes();
        view.events.clear();
        view.refused.clear();
    }
});

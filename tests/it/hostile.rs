//! A peer that lies: whatever it says, either side answers soon with a value or an error, and
//! claims no more memory than the bytes are worth.

use std::time::{Duration, Instant};

use bytes::Bytes;
use downbeat::client::View;
use downbeat::limits::{DECODE_BYTES_PER_BYTE, DECODE_BYTES_SPARE};
use downbeat::rand::RngExt as _;
use downbeat::wire::{ClientMessage, decode_client};
use downbeat::{Rng, Tick, codec};
use downbeat_tests::recorded::{Input, Recorded};

use crate::recordings::stories;

/// Takes messages in until one is refused; answers how many bytes those were.
fn show(messages: &[Bytes]) -> usize {
    let mut view = View::<Recorded>::new();
    let mut bytes = 0;
    for message in messages {
        bytes += message.len();
        let refused = view.apply(message).is_err();
        view.events.clear();
        view.refused.clear();
        if refused {
            break;
        }
    }
    bytes
}

/// Measures what that claims at most.
fn is_worth_its_bytes(messages: &[Bytes], what: &str) {
    let mut bytes = 0;
    let claimed = allocation_counter::measure(|| bytes = show(messages)).bytes_max;
    let max = (DECODE_BYTES_PER_BYTE * bytes + DECODE_BYTES_SPARE) as u64;
    assert!(claimed <= max, "{what}: {claimed} bytes for {bytes}");
}

/// Changes some bytes, cuts something off, or says something twice.
fn bend(message: &Bytes, rng: &mut Rng) -> Bytes {
    let mut bent = message.to_vec();
    if bent.is_empty() {
        return message.clone();
    }
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..bent.len());
        match rng.random_range(0..6) {
            0 => bent[at] ^= 1 << rng.random_range(0..8),
            1 => bent.truncate(at + 1),
            2 => bent.extend_from_within(at..),
            3 => drop(bent.remove(at)),
            4 => bent[at] = [0, 1, 0x7f, 0x80, 0xfb, 0xfd, 0xff][rng.random_range(0..7)],
            _ => bent[at] = rng.random(),
        }
        if bent.is_empty() {
            break;
        }
    }
    bent.into()
}

#[test]
fn a_server_that_lies_is_refused_and_costs_what_it_sent() {
    let mut rng = downbeat::seeded(1, "hostile", 0, "server");
    let stories = stories();
    let started = Instant::now();
    for round in 0..10_000 {
        let story = &stories[round % stories.len()];
        let from = rng.random_range(0..story.len());
        // The story up to there now and then; else its keyframe alone.
        let before = if rng.random_range(0..64) == 0 {
            from
        } else {
            from.min(3)
        };
        let mut messages = story[..before].to_vec();
        messages.push(bend(&story[from], &mut rng));
        messages.extend(story[from + 1..].iter().take(1).cloned());
        is_worth_its_bytes(&messages, &format!("round {round}"));
    }
    assert!(started.elapsed() < Duration::from_secs(60), "it hangs");
}

#[test]
fn a_server_that_tells_the_truth_costs_what_it_sent() {
    for story in stories() {
        is_worth_its_bytes(&story, "an honest server");
    }
}

/// A keyframe's header, a view of one cell, and cells of these bytes up to a full message.
fn flood(mut block: impl FnMut(u32) -> Vec<u8>) -> Bytes {
    let mut message = vec![0x81, 4, 0, 1, 0, 7, 0, 0];
    codec::Encoder::new(&mut message).varint(1 << 24);
    message.extend([8, 24]);
    for number in 0.. {
        let block = block(number);
        if message.len() + block.len() > 8192 {
            break;
        }
        message.extend(block);
    }
    message.into()
}

#[test]
fn blocks_that_open_pages_cost_what_they_add() {
    let page = |flags: u8, number: u32, rest: &[u8]| {
        let mut block = vec![flags | 0xc0];
        codec::Encoder::new(&mut block).varint(number.into());
        block.extend_from_slice(rest);
        block
    };
    // Slot, id, place, heading, kind, no name, stamina.
    let actor = |number: u32| {
        let mut bytes = vec![1, 0];
        codec::Encoder::new(&mut bytes).varint(u64::from(number) + 1);
        bytes.extend([0; 6 + 1 + 1 + 1 + 1]);
        bytes
    };
    let welcome = stories()[0][0].clone();
    let floods = [
        ("nothing removed", flood(|n| page(1, n, &[0]))),
        ("nothing added", flood(|n| page(2, n, &[0]))),
        ("one added", flood(|n| page(2, n, &actor(n)))),
        (
            "one added far away",
            flood(|n| page(2, 60_000 - n, &actor(n))),
        ),
        ("sums", flood(|n| page(0, n, &[0, 0]))),
        (
            "events",
            [&[0x80, 4, 0, 1, 0][..], &[5, 0xfb, 0xff, 0x1f], &[0; 8000]]
                .concat()
                .into(),
        ),
    ];
    for (what, flood) in floods {
        is_worth_its_bytes(&[welcome.clone(), flood], what);
    }
}

#[test]
fn a_client_that_lies_is_refused_and_costs_what_it_sent() {
    let mut rng = downbeat::seeded(1, "hostile", 0, "client");
    let (seen, walk) = (Tick::new(300), Input::Walk { dx: 127, dy: 0 });
    let said = [
        ClientMessage::Hello {
            name: "Ådå".into(),
            schema: 0x1234_5678,
        },
        ClientMessage::Input {
            seq: 1,
            seen,
            behind: 8,
            input: walk,
        },
        ClientMessage::Seen { seen },
        ClientMessage::Ping {
            seen,
            token: 70_000,
        },
    ];
    let said = said.map(|message| Bytes::from(codec::encode(&message)));
    for round in 0..12_000 {
        let bent = bend(&said[round % said.len()], &mut rng);
        let claimed = allocation_counter::measure(|| {
            if let Ok(message) = decode_client::<Input>(&bent) {
                // What is taken in is what it would be written as.
                assert_eq!(decode_client(&codec::encode(&message)), Ok(message));
            }
        });
        let max = (DECODE_BYTES_PER_BYTE * bent.len() + DECODE_BYTES_SPARE) as u64;
        assert!(
            claimed.bytes_max <= max,
            "{} for {bent:02x?}",
            claimed.bytes_max
        );
    }
}

//! Honest bytes are read as they were written, hostile ones within limits.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::codec::{decode, encode};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Node(Box<Self>),
    Wood(Vec<Self>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    flags: (bool, Option<u8>),
    unsigned: (u8, u16, u32, u64, u128),
    signed: (i8, i16, i32, i64, i128),
    text: (char, String, Vec<char>),
    list: Vec<Kind>,
    map: BTreeMap<u16, [i16; 2]>,
    unit: (),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    New(f32),
    Tuple(u8, f64),
    Struct { a: Option<i64> },
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Unit),
        (-1e9f32..1e9).prop_map(Kind::New),
        (any::<u8>(), -1e9f64..1e9).prop_map(|(a, b)| Kind::Tuple(a, b)),
        any::<Option<i64>>().prop_map(|a| Kind::Struct { a }),
    ]
}

prop_compose! {
    fn everything()(
        flags in any::<(bool, Option<u8>)>(),
        unsigned in any::<(u8, u16, u32, u64, u128)>(),
        signed in any::<(i8, i16, i32, i64, i128)>(),
        text in any::<(char, String, Vec<char>)>(),
        list in prop::collection::vec(kind(), 0..5),
        map in prop::collection::btree_map(any::<u16>(), any::<[i16; 2]>(), 0..4),
    ) -> Everything {
        Everything { flags, unsigned, signed, text, list, map, unit: () }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read_and_a_truncation_never_is(value in everything()) {
        let bytes = encode(&value);
        prop_assert_eq!(decode::<Everything>(&bytes), Ok(value));
        for length in 0..bytes.len() {
            prop_assert!(decode::<Everything>(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn hostile_bytes_are_read_as_bincode_reads_them(
        bytes in prop::collection::vec(prop_oneof![0u8..4, any::<u8>()], 0..60)
    ) {
        type Read = (Vec<Kind>, BTreeMap<u16, [i16; 2]>, String);
        let theirs = bincode::serde::decode_from_slice::<Read, _>(
            &bytes,
            bincode::config::standard().with_limit::<65_536>(),
        );
        let theirs = theirs.ok().filter(|(_, used)| *used == bytes.len());
        let ours = decode::<Read>(&bytes).ok();
        // NaN is unequal to itself, so compare what they look like.
        prop_assert_eq!(format!("{ours:?}"), format!("{:?}", theirs.map(|(value, _)| value)));
    }
}

#[test]
fn depth_is_limited() {
    let deep = |depth: usize| [vec![1; depth], vec![0]].concat();
    assert!(decode::<Tree>(&deep(20)).is_ok());
    assert!(decode::<Tree>(&deep(4000)).is_err());
    let wood = [[2, 1].repeat(2000), vec![0]].concat();
    assert!(decode::<Tree>(&wood).is_err());
}

#[test]
fn nothings_are_not_counted_for_ever() {
    let claim = [0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert!(decode::<Vec<()>>(&claim).is_err());
}

#[test]
fn small_bytes_for_large_items_claim_no_more_than_their_share() {
    type Large = Option<[u64; 32]>;
    let bytes = |count: u16| {
        [
            vec![0xfb],
            count.to_le_bytes().into(),
            vec![0; count.into()],
        ]
    };
    assert!(decode::<Vec<Large>>(&bytes(100).concat()).is_ok());
    assert!(decode::<Vec<Large>>(&bytes(4000).concat()).is_err());
}

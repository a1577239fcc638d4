//! A client that lies, in bytes and in JSON: what is understood can be said again.
#![no_main]

use downbeat::wire::decode_client;
use downbeat::{Tick, codec};
use downbeat_tests::recorded::Input;
use libfuzzer_sys::fuzz_target;

#[path = "../../server/src/json_link/said.rs"]
#[allow(dead_code, reason = "the server uses the rest")]
mod said;

fuzz_target!(|data: &[u8]| {
    if let Ok(message) = decode_client::<Input>(data) {
        assert_eq!(decode_client(&codec::encode(&message)), Ok(message));
    }
    let _ = said::hello(data);
    if let Ok(message) = said::message::<Input>(data, Tick::new(300)) {
        assert_eq!(decode_client(&codec::encode(&message)), Ok(message));
    }
});

//! Which host a name belongs to: the same arithmetic as in `channels_redis`, to the last bit.

/// The host of a name among so many.
pub(super) fn shard_of(name: &str, hosts: usize) -> usize {
    if hosts <= 1 {
        return 0;
    }
    let of_4096 = f64::from(crc32(name.as_bytes()) & 0xFFF);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "theirs is a division of doubles, cut off; both are small and positive"
    )]
    let shard = (of_4096 / (4096.0 / hosts as f64)) as usize;
    shard.min(hosts - 1)
}

/// CRC-32 as in zlib. Names are short, so bit by bit will do.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let reversed = if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
            crc = (crc >> 1) ^ reversed;
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn names_fall_on_hosts_as_in_python() {
        // python3 -c 'from channels_redis.utils import _consistent_hash as h;
        //   print([(n, [h(n, k) for k in (1, 2, 3, 7)]) for n in …])'
        for (name, shards) in [
            ("asgi__group__lobby", [0, 1, 1, 4]),
            ("specific.0a!", [0, 0, 0, 1]),
            ("chat", [0, 0, 0, 1]),
        ] {
            let ours = [1, 2, 3, 7].map(|hosts| shard_of(name, hosts));
            assert_eq!(ours, shards, "{name}");
        }
    }
}

//! Every limit of the server, with how its number was chosen.
//!
//! What an operator may change is a key of the configuration whose default stands here.

use std::time::Duration;

use downbeat::limits::{CLIENT_MESSAGE_BYTES_MAX, SERVER_MESSAGE_BYTES_MAX};

/// From the accepted connection to the client's hello; covers a phone on a bad network, and what
/// dribbles its headers slower than this means no good. Key: `limits.handshake_ms`.
pub(crate) const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// Header lines of a request; browsers send some 20.
pub(crate) const HEADERS_MAX: usize = 64;

/// Bytes of a request's head; the least that hyper can be told. Cookies and tickets fit well.
pub(crate) const HEADER_BYTES_MAX: usize = 8 * 1024;

/// How long a connection may be used for plain HTTP before it has to be made anew: a page on a
/// slow network takes a minute, and a peer that never reads its answer must go some day.
pub(crate) const HTTP_CONNECTION_MAX: Duration = Duration::from_secs(120);

/// Connections of one address (IPv6: one /64), enough for a school behind one router. Key:
/// `limits.connections_per_address`.
pub(crate) const CONNECTIONS_PER_ADDRESS: u64 = 200;

/// Descriptors that are kept free of connections: files, listeners, databases, and those who are
/// turned away.
pub(crate) const DESCRIPTORS_RESERVED: u64 = 256;

/// Connections that are being told at one time that there is no room for them; more are dropped
/// without a word. Comes out of [`DESCRIPTORS_RESERVED`].
pub(crate) const TURNED_AWAY_MAX: usize = 64;

/// How long somebody who is turned away may take over it.
pub(crate) const TURN_AWAY_WITHIN: Duration = Duration::from_secs(1);

/// Connections to the admin listener: a scraper, a dashboard and a person or two.
pub(crate) const ADMIN_CONNECTIONS_MAX: u64 = 32;

/// When somebody who is turned away may try again. Units: seconds.
pub(crate) const RETRY_AFTER_S: u32 = 5;

/// Pause after an accept that failed for want of descriptors or memory: the cause does not go
/// away faster.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Such failures in a row that share a log line: one line a minute.
pub(crate) const ACCEPT_FAILURES_PER_LINE: u32 = 600;

/// Rooms of all games. Key: `limits.rooms`.
pub(crate) const ROOMS: u64 = 10_000;

/// Rooms that one address has opened and that still are: a few tables of a family or a class.
/// Key: `limits.rooms_per_address`.
pub(crate) const ROOMS_PER_ADDRESS: u64 = 20;

/// What a socket is read into. The library zeroes it at every read, so small is also fast.
pub(crate) const READ_BUFFER_BYTES: usize = 4 * 1024;

/// What a message of a client may take on the wire, with what is read along of the next: also one
/// in fragments of a byte, each with a head of six, fits.
pub(crate) const MESSAGE_WIRE_BYTES_MAX: usize = 7 * CLIENT_MESSAGE_BYTES_MAX + READ_BUFFER_BYTES;

/// Pings and pongs before the hello; libraries send one at most.
pub(crate) const PINGS_BEFORE_HELLO_MAX: usize = 8;

/// What control messages wait in; a frame of the world never passes through it.
pub(crate) const WRITE_BUFFER_BYTES: usize = 4 * 1024;

/// What may wait for a socket in the library at most.
pub(crate) const WRITE_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// What a member that speaks JSON may be told at once: a keyframe of some 5,000 entities. Beyond
/// it the binary protocol must be spoken.
pub(crate) const JSON_TEXT_BYTES_MAX: usize = 1024 * 1024;

/// What the kernel may keep of what a member was sent (Linux doubles it): seconds-old state
/// in there is of no use to anybody.
pub(crate) const SEND_BUFFER_BYTES: usize = 16 * 1024;

/// Beyond this much unsent, a socket counts as full.
pub(crate) const NOT_SENT_BYTES_LOW: u32 = 4 * 1024;

/// What is read and thrown away of a peer that did what it must not, before others get a turn.
pub(crate) const DISCARD_BYTES_PER_POLL: usize = 16 * 1024;

/// How long members get to answer the goodbye of a server that drains.
pub(crate) const DRAIN_MEMBERS_WITHIN: Duration = Duration::from_secs(5);

/// How long connections get after that to finish the answer they are at.
pub(crate) const DRAIN_CONNECTIONS_WITHIN: Duration = Duration::from_secs(1);

/// How long the tick loop gets to end its tick.
pub(crate) const DRAIN_LOOP_WITHIN: Duration = Duration::from_secs(2);

/// A tick loop that has not turned for this long is reported as stuck; it turns once a second even
/// when nothing is due.
pub(crate) const STUCK_AFTER: Duration = Duration::from_secs(5);

/// Whatever happens, the process is gone after this.
pub(crate) const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Bytes of a map or of a file of problems: 4096 × 4096 squares, or half a million problems.
pub(crate) const MAP_FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

const _: () = {
    assert!(WRITE_BUFFER_BYTES < WRITE_BUFFER_BYTES_MAX);
    assert!(CLIENT_MESSAGE_BYTES_MAX <= READ_BUFFER_BYTES);
    assert!(SERVER_MESSAGE_BYTES_MAX <= SEND_BUFFER_BYTES);
    assert!((TURNED_AWAY_MAX as u64) < DESCRIPTORS_RESERVED);
    let drain = DRAIN_MEMBERS_WITHIN.as_millis()
        + DRAIN_CONNECTIONS_WITHIN.as_millis()
        + DRAIN_LOOP_WITHIN.as_millis();
    assert!(drain < DRAIN_WITHIN.as_millis());
    assert!(
        downbeat::limits::CLOSE_WITHIN.as_millis() < DRAIN_MEMBERS_WITHIN.as_millis(),
        "a member that does not answer is given up while the server waits for it"
    );
};

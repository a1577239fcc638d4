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

/// How long after that the answer which it is at may still take: a long poll waits for 20 s.
pub(crate) const HTTP_LAST_ANSWER_WITHIN: Duration = Duration::from_secs(30);

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

/// How long `send` waits for a server's answer: longer than any layer takes to say that it is
/// away.
pub(crate) const SEND_WITHIN: Duration = Duration::from_secs(15);

/// What `send` reads of an answer; a line is all that it shows.
pub(crate) const SEND_ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// An admin token that is shorter can be guessed.
pub(crate) const ADMIN_TOKEN_BYTES_MIN: usize = 16;

/// What an operator may send at once: a message of the layer's 1 MiB, as JSON.
pub(crate) const ADMIN_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

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

/// How long a session lasts: who plays once a month stays signed in. Key: `gate.session_s`.
pub(crate) const SESSION_LASTS: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long a dropped connection can be resumed: a tunnel, a lift. Key: `gate.resume_s`.
pub(crate) const RESUME_WITHIN: Duration = Duration::from_secs(120);

/// How often sessions of those who are in are looked at again. Key: `gate.revalidate_s`.
pub(crate) const REVALIDATE_EVERY: Duration = Duration::from_secs(60);

/// Sessions that are asked for in one go, with a pause in between: a store has other things to do.
pub(crate) const REVALIDATE_AT_ONCE: usize = 64;

/// The pause: [`STAYS_MAX`] are looked at within [`REVALIDATE_EVERY`], with 9 ms for each answer.
pub(crate) const REVALIDATE_PAUSE: Duration = Duration::from_millis(10);

/// Sessions that are kept in memory, some 300 bytes each; the store has all.
pub(crate) const SESSIONS_CACHED_MAX: usize = 100_000;

/// From a ticket to its use: a page asks for it right before it connects. Key: `gate.ticket_s`.
pub(crate) const TICKET_LASTS: Duration = Duration::from_secs(30);

/// Tickets that wait for their use: beyond it even a storm of joins is told to wait.
pub(crate) const TICKETS_MAX: usize = 100_000;

/// Tickets of one user that wait: several tabs that try again.
pub(crate) const TICKETS_PER_USER_MAX: usize = 16;

/// Tickets of one address that wait, for each connection that it may have: pages that try again.
pub(crate) const TICKETS_PER_CONNECTION_MAX: u64 = 2;

/// Members that can be resumed, connected or not: those who were there within the last minutes.
pub(crate) const STAYS_MAX: usize = 200_000;

/// How often members that are not coming back are looked for.
pub(crate) const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Connections of one user: a computer, a phone, and one of each that is not yet known to be
/// gone. Key: `limits.connections_per_user`.
pub(crate) const CONNECTIONS_PER_USER: u64 = 4;

/// Attempts to log in to one account in [`LOGINS_PER_ACCOUNT_WITHIN`]. Key:
/// `limits.logins_per_account`.
pub(crate) const LOGINS_PER_ACCOUNT: u64 = 5;

/// See [`LOGINS_PER_ACCOUNT`].
pub(crate) const LOGINS_PER_ACCOUNT_WITHIN: Duration = Duration::from_secs(60);

/// Attempts to log in or register from one address in [`PER_ADDRESS_WITHIN`]. Key:
/// `limits.logins_per_address`.
pub(crate) const LOGINS_PER_ADDRESS: u64 = 10;

/// Guests made from one address in [`PER_ADDRESS_WITHIN`]: a class that comes in at once. Key:
/// `limits.guests_per_address`.
pub(crate) const GUESTS_PER_ADDRESS: u64 = 60;

/// See [`LOGINS_PER_ADDRESS`] and [`GUESTS_PER_ADDRESS`].
pub(crate) const PER_ADDRESS_WITHIN: Duration = Duration::from_secs(600);

/// Accounts or addresses whose attempts are remembered; the longest quiet are forgotten first.
pub(crate) const RATES_REMEMBERED_MAX: usize = 50_000;

/// The body of a request to the HTTP API: a name and two passwords.
pub(crate) const API_BODY_BYTES_MAX: usize = 4 * 1024;

/// How long such a body may take.
pub(crate) const API_BODY_WITHIN: Duration = Duration::from_secs(5);

/// Bytes of a password: from 8, since shorter ones are guessed; a sentence fits.
pub(crate) const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 8..=1024;

/// Characters of a token of another site: names and a few claims.
pub(crate) const JWT_BYTES_MAX: usize = 4 * 1024;

/// How far the clock of another site may be off. Units: seconds.
pub(crate) const JWT_LEEWAY_S: i64 = 30;

/// How long a token of another site may be good: it is for getting in, and is remembered for as
/// long once it was revoked. Units: seconds.
pub(crate) const JWT_LASTS_S_MAX: i64 = 24 * 3600;

/// Users whose tokens were revoked by operators within that time, some 100 bytes each; beyond it
/// the oldest is forgotten.
pub(crate) const REVOKED_MAX: usize = 50_000;

/// How often the files of the certificate are looked at.
pub(crate) const TLS_LOOK_EVERY: Duration = Duration::from_secs(10);

/// What TLS may hold of a member's messages: one that waits is skipped, not piled up.
pub(crate) const TLS_BUFFER_BYTES: usize = 16 * 1024;

/// Proxies between a client and this server, in `X-Forwarded-For`.
pub(crate) const FORWARDED_MAX: usize = 16;

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

/// Texts of a peer without a socket that wait for its room: a burst of inputs.
pub(crate) const PEER_SAYS_MAX: usize = 64;

/// Texts that wait for a peer without a socket, beyond which it counts as slow: what the kernel
/// would hold of small frames.
pub(crate) const PEER_HEARS_MAX: usize = 4;

/// A device that does not read a line for so long is gone: the room has given it up before.
pub(crate) const LINE_WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// A device that is quiet for so long is asked by the kernel whether it is there; with the next
/// two, one that was unplugged is known after 30 s, as a browser is.
pub(crate) const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);
/// See [`KEEPALIVE_AFTER`].
pub(crate) const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
/// See [`KEEPALIVE_AFTER`].
pub(crate) const KEEPALIVE_TRIES: u32 = 3;

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

/// How long the layer gets to tell others who is not here any more.
pub(crate) const LAYER_SETTLES_WITHIN: Duration = Duration::from_millis(400);

/// How long the tick loop gets to end its tick.
pub(crate) const DRAIN_LOOP_WITHIN: Duration = Duration::from_secs(2);

/// A tick loop that has not turned for this long is reported as stuck; it turns once a second even
/// when nothing is due.
pub(crate) const STUCK_AFTER: Duration = Duration::from_secs(5);

/// Whatever happens, the process is gone after this.
pub(crate) const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Bytes of a map or of a file of problems: 4096 × 4096 squares, or half a million problems.
pub(crate) const MAP_FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Connections to the store: a login takes one for milliseconds, and a small PostgreSQL has 100
/// for everybody. Key: `store.pool_max`.
pub(crate) const STORE_CONNECTIONS: u32 = 8;

/// Writes that may wait for the store: a minute of 150 chat lines a second. Key: `store.queue`.
pub(crate) const STORE_QUEUE: usize = 10_000;

/// What those may take together; a profile may have [`PROFILE_BYTES_MAX`].
pub(crate) const STORE_QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Writes of one transaction: enough that its commit costs little for each, and few enough that it
/// does not lock others out for long.
pub(crate) const STORE_BATCH_MAX: usize = 256;

/// How long a request waits for the store: longer, and who asked has gone. Key:
/// `store.timeout_ms`.
pub(crate) const STORE_WITHIN: Duration = Duration::from_secs(2);

/// How many of those times a transaction of many writes may take.
pub(crate) const STORE_BATCH_TIMES: u32 = 5;

/// Pause after the first failure of a store; doubles with each one more.
pub(crate) const STORE_PAUSE_MIN: Duration = Duration::from_millis(50);

/// Longest pause: a store that is back is noticed within this.
pub(crate) const STORE_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How long a server that starts waits for its store, before it starts without.
pub(crate) const STORE_START_WITHIN: Duration = Duration::from_secs(3);

/// How long the store's own migrations may take, and wait for another process that is at them.
pub(crate) const MIGRATIONS_WITHIN: Duration = Duration::from_secs(60);

/// How often it is told that those of a project are not done: they take as long as they take.
pub(crate) const MIGRATIONS_TOLD: Duration = Duration::from_secs(60);

/// How long a server that stops waits for what it has to write; part of its drain.
pub(crate) const STORE_STOP_WITHIN: Duration = Duration::from_secs(1);

/// How long it waits for its databases to say goodbye.
pub(crate) const STORE_CLOSE_WITHIN: Duration = Duration::from_millis(500);

/// How often what has expired is thrown away.
pub(crate) const STORE_SWEEP: Duration = Duration::from_secs(600);

/// Rows of it that go at a time: as a transaction of writes, they do not lock others out for long.
pub(crate) const STORE_SWEEP_ROWS: u64 = 500;

/// After this, a batch of writes whose end is not known belongs to a process that is no more.
pub(crate) const WRITES_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// How long lines of chats are kept. Key: `store.chat_kept_days`.
pub(crate) const CHAT_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Bytes of a profile as JSON.
pub(crate) const PROFILE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a line of a chat.
pub(crate) const CHAT_LINE_BYTES_MAX: usize = 4 * 1024;

/// Bytes of keys of the store, as wide as MySQL's columns.
pub(crate) const STORE_KEY_BYTES_MAX: usize = 191;

/// Bytes of names and password hashes, likewise.
pub(crate) const STORE_TEXT_BYTES_MAX: usize = 255;

/// Lines that can be asked for at a time.
pub(crate) const CHAT_HISTORY_MAX: u32 = 1000;

/// How long SQLite waits for another process that writes, before it says that it cannot.
pub(crate) const SQLITE_BUSY_WITHIN: Duration = Duration::from_secs(1);

/// After this a connection that nobody uses is closed.
pub(crate) const DATABASE_IDLE_MAX: Duration = Duration::from_secs(600);

/// Connections to a database of a project's own. Key: `databases.NAME.pool_max`.
pub(crate) const DATABASE_CONNECTIONS: u32 = 8;

/// How long somebody waits for one of them. Key: `databases.NAME.acquire_ms`.
pub(crate) const DATABASE_ACQUIRE_WITHIN: Duration = Duration::from_secs(1);

/// How long a statement may take. Key: `databases.NAME.timeout_ms`.
pub(crate) const DATABASE_WITHIN: Duration = Duration::from_secs(5);

/// Rows of one answer to a project's own statement.
pub(crate) const DATABASE_ROWS_MAX: usize = 10_000;

/// Rows of a view. Key: `views.NAME.max_rows`.
pub(crate) const VIEW_ROWS: usize = 100;

/// Threads for work that blocks: a password costs one of them a core for a while, and the tick
/// wants the others. Key: `blocking.threads`.
pub(crate) const BLOCKING_THREADS: usize = 4;

/// What may wait for one of those: with passwords, about a second's worth. Key: `blocking.queue`.
pub(crate) const BLOCKING_QUEUE: usize = 64;

const _: () = {
    assert!(WRITE_BUFFER_BYTES < WRITE_BUFFER_BYTES_MAX);
    assert!(CLIENT_MESSAGE_BYTES_MAX <= READ_BUFFER_BYTES);
    assert!(SERVER_MESSAGE_BYTES_MAX <= SEND_BUFFER_BYTES);
    assert!((TURNED_AWAY_MAX as u64) < DESCRIPTORS_RESERVED);
    assert!(
        JWT_BYTES_MAX < HEADER_BYTES_MAX,
        "a token of another site fits the head"
    );
    let drain = DRAIN_MEMBERS_WITHIN.as_millis()
        + STORE_STOP_WITHIN.as_millis()
        + STORE_CLOSE_WITHIN.as_millis()
        + DRAIN_CONNECTIONS_WITHIN.as_millis()
        + DRAIN_LOOP_WITHIN.as_millis()
        + LAYER_SETTLES_WITHIN.as_millis();
    assert!(drain < DRAIN_WITHIN.as_millis());
    assert!(
        downbeat::limits::CLOSE_WITHIN.as_millis() < DRAIN_MEMBERS_WITHIN.as_millis(),
        "a member that does not answer is given up while the server waits for it"
    );
    assert!(STORE_BATCH_MAX <= STORE_QUEUE);
    assert!(PROFILE_BYTES_MAX <= STORE_QUEUE_BYTES_MAX);
    assert!(VIEW_ROWS <= DATABASE_ROWS_MAX);
    // An index of MySQL's takes 767 bytes for each column, and 3072 together.
    assert!(STORE_KEY_BYTES_MAX <= 767);
};

/// How deep a message of the layer is read: it takes the stack. With the message itself.
pub(crate) const LAYER_DEPTH_MAX: usize = downbeat::limits::MESSAGE_DEPTH_MAX + 4;

/// How long a sealed message is read beyond its expiry: as `channels_redis` does, for clocks that
/// differ.
pub(crate) const LAYER_SEAL_KEPT: Duration = Duration::from_secs(10);

/// How long a command to Redis may take: whoever waits for it is a game's courier, not its tick.
pub(crate) const REDIS_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// How long a connection to Redis may take to be there.
pub(crate) const REDIS_CONNECTS_WITHIN: Duration = Duration::from_secs(2);

/// How often a host is asked whether it is still there and remembers us.
pub(crate) const REDIS_BEAT: Duration = Duration::from_secs(1);

/// Pauses between attempts to connect: the first, and the longest.
pub(crate) const REDIS_BACK_OFF: (Duration, Duration) =
    (Duration::from_millis(50), Duration::from_secs(2));

/// How long those of a process stay present that no longer says that it lives. Killed ones must
/// be gone within 30 s, with the sweep and a late beat.
pub(crate) const PRESENCE_LEASE: Duration = Duration::from_secs(15);

/// Commands that may be on their way to one host; each holds a message.
pub(crate) const REDIS_IN_FLIGHT_MAX: usize = 1024;

/// How long a message of one's own may take to come back from Redis: a paused one sends it on when
/// it goes on.
pub(crate) const ECHO_AWAITED: Duration = Duration::from_secs(60);

/// Messages to one group that may be on their way back.
pub(crate) const ECHOES_MAX: usize = 4 * REDIS_IN_FLIGHT_MAX;

/// Messages that are taken from one queue at once.
pub(crate) const REDIS_POPPED_MAX: usize = 64;

/// How often, and with which pause, a connection is woken that may not have begun to wait.
pub(crate) const REDIS_UNBLOCK_TRIES: u32 = 5;
pub(crate) const REDIS_UNBLOCK_PAUSE: Duration = Duration::from_millis(10);

/// Names that are told to Redis in one command: a room's worth, and far from Lua's 8,000.
pub(crate) const REDIS_BATCH: usize = 500;

/// How long a read waits in Redis for a message before it is renewed. Units: seconds.
pub(crate) const REDIS_POP_WAIT_S: u64 = 2;

/// How often members of groups are told to Redis again, at least: what somebody took away by
/// mistake is whole again after so long.
pub(crate) const GROUPS_RENEWED_WITHIN: Duration = Duration::from_secs(60);

const _: () = assert!(PRESENCE_LEASE.as_secs() > 4 * REDIS_BEAT.as_secs());
const _: () = assert!(PRESENCE_LEASE.as_secs() < 25);

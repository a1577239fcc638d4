//! Every limit of the engine, with how its number was chosen.
//!
//! Nothing here is read from a configuration: what an operator may change is a setting whose
//! default stands here.

use std::time::Duration;

/// Ticks that one wake may run to catch up: enough to hide a 100 ms hiccup at 20 Hz, few enough
/// that an overloaded loop never spirals.
pub const CATCH_UP_TICKS_MAX: u32 = 3;

/// The tick thread takes a turn this often also when there is nothing to do: whoever looks after
/// it can tell idle from stuck.
pub const IDLE_TURN_EVERY: Duration = Duration::from_secs(1);

/// The slowest and the fastest tick rate: 1 Hz is a board game; beyond 128 Hz the kernel's send
/// costs more than the rules.
pub const TICK_RATE_HZ_MIN: u16 = 1;
/// See [`TICK_RATE_HZ_MIN`].
pub const TICK_RATE_HZ_MAX: u16 = 128;

/// Members of one room task: 256 writes of 5 µs take 1.3 ms, a small part of a 50 ms tick.
pub const TASK_MEMBERS_MAX: usize = 256;

/// Members of one room, unless the game asks for fewer: 16 tasks.
pub const ROOM_MEMBERS_MAX: usize = 4096;

/// Inputs that wait in a room's inbox for the next tick.
pub const INBOX_INPUTS_MAX: usize = 1024;

/// A crowd may have more of them waiting: what its members send at 20 inputs a second while the
/// tick stalls for 200 ms.
pub const INBOX_INPUTS_PER_MEMBER_MAX: usize = 4;

/// How long a member may stay away whose connection broke, unless the game says otherwise: a tunnel,
/// a router that starts anew, a phone that changes networks. Units: seconds of game time.
pub const GRACE_S: u32 = 120;

/// A user's id: a UUID, a number or a hash of 256 bits in hexadecimal fits.
pub const USER_ID_BYTES_MAX: usize = 64;

/// Refused inputs that a member is told of once more when it is back: those of the last seconds,
/// whose answers may have been lost with its connection.
pub const REFUSALS_KEPT_MAX: usize = 64;

/// Everything that waits in an inbox: the inputs of a full room, and room for all its members to
/// leave while as many join. Memory is taken only as it fills.
pub const INBOX_ENTRIES_MAX: usize = (INBOX_INPUTS_PER_MEMBER_MAX + 2) * ROOM_MEMBERS_MAX;

/// Messages of the layer and events of presence that wait in a room's inbox: sixteen messages to
/// every member of a full room; a message to many counts as many.
pub const INBOX_MESSAGES_MAX: usize = 16 * ROOM_MEMBERS_MAX;

/// Messages of a game's rooms that wait for the layer: a second of what a Redis nearby takes.
pub const SENDS_QUEUED_MAX: usize = 8192;

/// Memberships and presences that wait for the layer: so many rooms' members come and go at once.
pub const ERRANDS_MAX: usize = 16 * ROOM_MEMBERS_MAX;

/// Questions of a game's rooms that wait for an answer, and how many of them are asked at a time:
/// more than a pool of database connections takes.
pub const QUERIES_QUEUED_MAX: usize = 1024;
/// See [`QUERIES_QUEUED_MAX`].
pub const QUERIES_IN_FLIGHT_MAX: usize = 64;

/// How long an answer may take, from the question on: far longer than a database's own limits.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Presence events that wait for a list; beyond, the list is asked for again.
pub const PRESENCE_EVENTS_MAX: usize = 1024;

/// How long after a list that was not enough another is asked for.
pub const RELIST_AFTER: Duration = Duration::from_millis(100);

/// The same, where the layer did not answer.
pub const RELIST_AFTER_ERROR: Duration = Duration::from_secs(1);

/// How deeply the values of a layer's message may be nested: within what readers of MessagePack
/// and JSON take by default.
pub const MESSAGE_DEPTH_MAX: usize = 60;

/// `Once` inputs that wait for one player, and how many of them one tick applies.
pub const INPUTS_QUEUED_MAX: usize = 8;
/// See [`INPUTS_QUEUED_MAX`].
pub const INPUTS_PER_TICK_MAX: usize = 4;

/// Ticks for which a `Held` input goes on when nothing newer arrives: bridges two lost packets,
/// and stops a walker whose player vanished.
pub const HELD_TICKS_MAX: u32 = 3;

/// How far back a shot may be judged: the round trip of a bad mobile connection and the picture's
/// own delay; whoever hides behind a wall for longer is safe.
pub const REWIND_MAX: Duration = Duration::from_millis(250);

/// The same in ticks, at the fastest rate.
pub const REWIND_TICKS_MAX: usize = 32;

const _: () = assert!(
    REWIND_MAX.as_millis() * TICK_RATE_HZ_MAX as u128 <= 1000 * REWIND_TICKS_MAX as u128,
    "all of it is remembered at any rate"
);

/// Ticks from a job's submission to its outcome, unless its kind says otherwise: one to find a
/// thread, one to run.
pub const JOB_LATENCY_TICKS: u32 = 2;

/// Kinds of jobs of one game.
pub const JOB_KINDS_MAX: usize = 8;

/// Expansions after which a running job looks whether it was cancelled: 0.1 ms, and seldom enough
/// to cost nothing.
pub const METER_LOOKS_EVERY: u32 = 1024;

/// Expansions that a job may go on with after it was told to stop, before it is stopped.
pub const METER_OVERRUN_MAX: u32 = 100_000;

/// Jobs that wait for a thread, of all rooms: a storm of 3,200 in each of twenty rooms. What does
/// not fit stays with its room until it is due.
pub const JOBS_QUEUED_MAX: usize = 65_536;

/// Jobs that a thread takes at once: the lock is taken once for 64 short ones.
pub const JOBS_PER_CLAIM_MAX: u32 = 64;

/// How long a pool that is stopped waits for its threads: a thousand times what a job takes to
/// notice.
pub const JOBS_STOP_WITHIN: Duration = Duration::from_secs(2);

/// Jobs that a room may have due at one tick: an ask from everybody in a crowded room.
pub const JOBS_DUE_MAX: u32 = 8192;

/// What one expansion takes at most, by which expansions are counted as time. Units: nanoseconds.
pub const EXPANSION_NANOS: u32 = 100;

/// Ticks after which a job that is late is given up: nobody wants that path any more, and what is
/// outstanding stays bounded.
pub const JOB_LATE_TICKS_MAX: u32 = 40;

/// Squares along a side of a path-finding grid: 4 km; bits of it fit two mebibytes.
pub const NAV_SIDE_MAX: u16 = 4096;

/// Goals of one search: a query looks at each of them at every corner.
pub const NAV_GOALS_MAX: usize = 64;

/// Expansions of a path, unless a game says otherwise: 0.2 ms, enough for most ways over a
/// kilometre.
pub const NAV_PATH_EXPANSIONS: u32 = 2000;

/// How often an agent's budget is doubled when what it got led nowhere: 3 ms at the most.
pub const NAV_EFFORT_MAX: u8 = 4;

/// Distance fields that a game keeps, unless it says otherwise: herds that flow at the same time.
pub const NAV_FIELDS_MAX: usize = 8;

/// Pivots of the heuristic of a game's grid, unless the game says otherwise; more help little.
pub const NAV_PIVOTS: u8 = 8;

/// Others that a body minds at most: the nearest ones hide what is behind them.
pub const NAV_NEIGHBOURS_MAX: usize = 16;

/// A message of a client: an input is tens of bytes, a chat line a few hundred.
pub const CLIENT_MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// A message of the server: costs no more to send than one of 64 bytes, and fits a send buffer
/// twice.
pub const SERVER_MESSAGE_BYTES_MAX: usize = 8 * 1024;

/// What a frame's header takes at most: flags, tick, due, acknowledgement, lead.
pub const FRAME_HEADER_BYTES_MAX: usize = 1 + 2 + 2 + 2 + 1;

/// The body of one message.
pub const BODY_BYTES_MAX: usize = SERVER_MESSAGE_BYTES_MAX - FRAME_HEADER_BYTES_MAX;

/// One event, entity, shared or private state: must fit a body together with its section's tag,
/// count, id and mask.
pub const ITEM_BYTES_MAX: usize = BODY_BYTES_MAX - 32;

/// Shared or private state: leaves room for the member's seat and own entity in one body.
pub const STATE_BYTES_MAX: usize = BODY_BYTES_MAX - 512;

/// Side of a cell of a grid: below, entities would cross borders all the time and a world of
/// 131 km would have more than 2¹⁶ columns; above, nothing would be out of sight.
pub const CELL_M_MIN: f32 = 4.0;
/// See [`CELL_M_MIN`].
pub const CELL_M_MAX: f32 = 4096.0;

/// Rings of cells that a member sees around its own: 7 × 7 cells fit a mask of 64 bits.
pub const VIEW_RINGS_MAX: u8 = 3;

/// What a member's view may take per tick before its farther rings are sent more rarely: half a
/// message, and 2,000 walkers in one cell.
pub const VIEW_BYTES_PER_TICK_MAX: u32 = 4 * 1024;

/// Keyframes of cells that a member is sent in one tick, the nearest first: what a send buffer
/// holds. A cell that is larger by itself is sent all the same.
pub const KEYFRAME_BYTES_PER_TICK_MAX: usize = 16 * 1024;

/// How often each cell's checksum is sent: a client that went wrong knows it within 3.2 s at
/// 20 Hz, for two bytes. A whole beat of every room.
pub const CHECKSUM_EVERY_TICKS: u32 = 64;

/// Cells of a layer from which on they are encoded in parallel: below, handing out the work costs
/// more than it saves.
pub const PARALLEL_CELLS_MIN: usize = 32;

/// Ticks before the number of a gone entity is given to another: longer than any client keeps the
/// old one around.
pub const NET_ID_REST_TICKS: u32 = 16;

/// What decoding may claim for lists and maps: so much for each byte that there is, …
pub const DECODE_BYTES_PER_BYTE: usize = 16;
/// … and so much besides.
pub const DECODE_BYTES_SPARE: usize = 64 * 1024;

/// How deep a value may be nested: far deeper than a game's types are, far from a stack's end.
pub const DECODE_DEPTH_MAX: usize = 64;

/// Values that are made up to find out what one type looks like: thousands of fields and variants,
/// or an array of 32 × 32 × 32.
pub const SCHEMA_VALUES_MAX: usize = 1_000_000;

/// Tick notices that a room task may lag behind before its members count as stale: 3 s at 20 Hz.
pub const NOTICES_MAX: usize = 64;

/// Events that wait for a stale member; beyond either limit it is closed with 4008.
pub const STALE_EVENTS_MAX: usize = 64;
/// See [`STALE_EVENTS_MAX`].
pub const STALE_EVENT_BYTES_MAX: usize = 8 * 1024;

/// A name: fits above an avatar's head.
pub const NAME_CHARS_MAX: usize = 24;

/// A room's name: fits a URL and a log line.
pub const ROOM_NAME_BYTES_MAX: usize = 64;

/// A close reason (RFC 6455 § 5.5: a control frame has 125 bytes, two of them the code).
pub const CLOSE_REASON_BYTES_MAX: usize = 123;

/// Messages read from one socket between two tick notices: a flood costs at most this much.
pub const READS_PER_NOTICE_MAX: u32 = 32;

/// So many times behind within so long, and a member is sent less often; so long without, and more
/// often again.
pub const STALLS_MAX: u32 = 3;
/// See [`STALLS_MAX`].
pub const STALLS_WITHIN: Duration = Duration::from_secs(30);

/// How long after the room's last tick notice a member that was sent nothing gets a heartbeat.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);

/// How often a room task looks at its deadlines.
pub const DEADLINES_EVERY: Duration = Duration::from_millis(250);

/// A tick message whose echo is this late is asked after with a WebSocket ping: a client without
/// inputs echoes once a second by itself.
pub const ECHO_ASK_AFTER: Duration = Duration::from_millis(1000);

/// An echo that is this much later than usual makes a member stale: it is sent nothing until it
/// has caught up, then a keyframe.
pub const ECHO_STALE_AFTER: Duration = Duration::from_millis(500);

/// An echo that is this late closes the member with 4008: noticed within 3 s.
pub const ECHO_CLOSE_AFTER: Duration = Duration::from_millis(2500);

/// Silence after which a member is pinged, and after which it is closed; only reached where no
/// ticks flow, since those demand echoes sooner.
pub const PING_AFTER: Duration = Duration::from_secs(15);
/// See [`PING_AFTER`].
pub const IDLE_CLOSE_AFTER: Duration = Duration::from_secs(30);

/// How long a join may wait for the room's answer.
pub const JOIN_WITHIN: Duration = Duration::from_secs(5);

/// How long a closing socket may take to answer.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// How long an empty room stays before it is closed, unless its settings say otherwise.
pub const EMPTY_ROOM_KEPT: Duration = Duration::from_secs(60);

/// Inputs per second and in a burst, bytes likewise, and everything else that a client may send
/// (echoes, pings). A flood is dropped, and closed with 1008 when it lasts.
pub const INPUTS_PER_S: f32 = 30.0;
/// See [`INPUTS_PER_S`].
pub const INPUTS_BURST: f32 = 60.0;
/// See [`INPUTS_PER_S`].
pub const BYTES_PER_S: f32 = 16.0 * 1024.0;
/// See [`INPUTS_PER_S`].
pub const BYTES_BURST: f32 = 32.0 * 1024.0;
/// See [`INPUTS_PER_S`].
pub const NOTES_PER_S: f32 = 5.0;
/// See [`INPUTS_PER_S`].
pub const NOTES_BURST: f32 = 20.0;
/// See [`INPUTS_PER_S`].
pub const FLOOD_CLOSE_AFTER: Duration = Duration::from_secs(3);
/// A flood is over when nothing had to be dropped for this long.
pub const FLOOD_OVER_AFTER: Duration = Duration::from_secs(1);

const _: () = {
    assert!(CLIENT_MESSAGE_BYTES_MAX <= SERVER_MESSAGE_BYTES_MAX);
    assert!(INPUTS_PER_TICK_MAX <= INPUTS_QUEUED_MAX);
    assert!(ROOM_MEMBERS_MAX.is_multiple_of(TASK_MEMBERS_MAX));
    assert!(ITEM_BYTES_MAX < BODY_BYTES_MAX);
    assert!(INBOX_INPUTS_MAX < INBOX_ENTRIES_MAX);
    assert!(TICK_RATE_HZ_MIN > 0 && TICK_RATE_HZ_MIN < TICK_RATE_HZ_MAX);
    assert!(
        ECHO_ASK_AFTER.as_millis() + ECHO_STALE_AFTER.as_millis() < ECHO_CLOSE_AFTER.as_millis()
    );
    assert!(PING_AFTER.as_millis() < IDLE_CLOSE_AFTER.as_millis());
};

//! A case: what is done to the server, and what must come of it.

use super::raw::Raw;
use super::stage::Stage;

/// What came of a case: an HTTP status, or a close code, or [`CUT`].
pub(crate) type Outcome = u16;

/// The connection ended without a word.
pub(crate) const CUT: Outcome = 0;

/// The handshake that the others are bent from.
pub(crate) const HANDSHAKE: &str = "GET /ws/meadow/main HTTP/1.1\r\nHost: 127.0.0.1\r\n\
    Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: downbeat.v1\r\n\r\n";

/// What is done.
type Deed = Box<dyn Fn(&Stage) -> Outcome>;

/// One row of a table.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Any of these will do; mostly there is one.
    expect: Vec<Outcome>,
    deed: Deed,
}

impl Case {
    pub(crate) fn new(
        name: impl Into<String>,
        expect: &[Outcome],
        deed: impl Fn(&Stage) -> Outcome + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            expect: expect.to_vec(),
            deed: Box::new(deed),
        }
    }

    /// Sends bytes on a connection of their own; the status of the first answer counts.
    pub(crate) fn bytes(
        name: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
        expect: Outcome,
    ) -> Self {
        let bytes = bytes.into();
        Self::new(name, &[expect], move |stage| status(stage.port, &bytes))
    }

    /// The handshake with the first `what` replaced.
    pub(crate) fn bent(name: impl Into<String>, what: &str, by: &str, expect: Outcome) -> Self {
        assert!(HANDSHAKE.contains(what), "{what:?} stands in the handshake");
        Self::bytes(name, HANDSHAKE.replacen(what, by, 1), expect)
    }

    /// The handshake with lines added.
    pub(crate) fn with(name: impl Into<String>, lines: &str, expect: Outcome) -> Self {
        let by = format!("Host: 127.0.0.1\r\n{lines}\r\n");
        Self::bent(name, "Host: 127.0.0.1\r\n", &by, expect)
    }
}

/// The status of the answer to these bytes.
pub(crate) fn status(port: u16, bytes: &[u8]) -> Outcome {
    let mut raw = Raw::connect(port);
    raw.send(bytes);
    raw.head().map_or(CUT, |answer| answer.status)
}

/// Runs a table of cases that knock once each; as many are let in as were seen to be.
pub(crate) fn run(stage: &Stage, cases: &[Case]) {
    let before = stage.accepted();
    let outcomes = attack(stage, cases);
    // A member was let in before it was closed.
    let let_in = outcomes.iter().filter(|&&got| got == 101 || got >= 1000);
    let expect = let_in.count() + cases.len();
    let accepted = stage.accepted() - before;
    assert_eq!(accepted, expect as u64, "as many as were seen");
}

/// Runs a table, and after each row lets an honest bot in; answers what came of the rows.
pub(crate) fn attack(stage: &Stage, cases: &[Case]) -> Vec<Outcome> {
    let mut wrong = Vec::new();
    let mut outcomes = Vec::new();
    for case in cases {
        let deed = std::panic::AssertUnwindSafe(|| (case.deed)(stage));
        match std::panic::catch_unwind(deed) {
            Ok(got) => {
                outcomes.push(got);
                if !case.expect.contains(&got) {
                    wrong.push(format!("{}: {got}, expected {:?}", case.name, case.expect));
                }
            }
            Err(_) => wrong.push(format!("{}: it panicked, see above", case.name)),
        }
        if let Err(why) = stage.honest() {
            wrong.push(format!("{} is void: {why}", case.name));
        }
    }
    let count = wrong.len();
    assert!(wrong.is_empty(), "{count} wrong:\n{}", wrong.join("\n"));
    outcomes
}

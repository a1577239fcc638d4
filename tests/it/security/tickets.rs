//! Tickets, sessions and resume tokens in the wrong hands: used, foreign, forged, ended.

use super::case::{Case, Outcome};
use super::people::{bearer, leave};
use super::stage::Stage;

/// What forgers try instead of a token of 43 characters.
const FORGED: [(&str, &str); 16] = [
    ("nothing", ""),
    ("zeros", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ("ones", "__________________________________________8"),
    ("a word", "admin"),
    ("null", "null"),
    ("a path", "../../../../../../../../../../../../../etc"),
    (
        "42 characters",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ),
    (
        "44 characters",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ),
    ("padding", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("stray bits", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"),
    (
        "other base64",
        "++++++++++++++++++++++++++++++++++++++++++8",
    ),
    ("a star", "*"),
    ("a query", "'OR'1'='1"),
    ("a percent", "%00%00%00%00%00%00%00%00%00%00%00%00%00%00%"),
    ("dots", "..........................................."),
    ("5,000 characters", LONG),
];

const LONG: &str = match std::str::from_utf8(&[b'A'; 5000]) {
    Ok(text) => text,
    Err(_) => "",
};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = forged();
    cases.extend(tickets());
    cases.extend(bearers());
    cases.extend(several());
    cases.extend(resumes());
    cases.extend(ended());
    cases
}

fn forged() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, token) in FORGED {
        for kind in ["ticket", "resume"] {
            let offer = format!("{kind}.{token}");
            cases.push(Case::new(
                format!("forged {kind}: {name}"),
                &[401],
                move |stage| stage.knock("main", &offer, ""),
            ));
        }
        let line = bearer(token);
        cases.push(Case::new(
            format!("forged bearer: {name}"),
            &[401],
            move |stage| stage.knock("main", "x", &line),
        ));
        let cookie = format!("Cookie: downbeat_session={token}\r\n");
        cases.push(Case::new(
            format!("forged cookie: {name}"),
            &[401],
            move |stage| {
                stage
                    .post("/api/ticket", &cookie, r#"{"game":"meadow","room":"main"}"#)
                    .status
            },
        ));
    }
    cases
}

fn ticket_case(
    name: &str,
    expect: Outcome,
    deed: impl Fn(&Stage, &str) -> Outcome + 'static,
) -> Case {
    Case::new(format!("ticket: {name}"), &[expect], move |stage| {
        let ticket = stage.ticket(&stage.guest(), "main");
        deed(stage, &ticket)
    })
}

fn tickets() -> Vec<Case> {
    vec![
        ticket_case("good", 101, |stage, ticket| {
            stage.knock("main", &format!("ticket.{ticket}"), "")
        }),
        ticket_case("used", 401, |stage, ticket| {
            let offer = format!("ticket.{ticket}");
            let (raw, _) = stage.enter("main", &offer, "").expect("let in");
            leave(raw);
            stage.knock("main", &offer, "")
        }),
        ticket_case("used while in use", 401, |stage, ticket| {
            let offer = format!("ticket.{ticket}");
            let (raw, _) = stage.enter("main", &offer, "").expect("let in");
            let status = stage.knock("main", &offer, "");
            leave(raw);
            status
        }),
        ticket_case("for another room", 401, |stage, ticket| {
            stage.knock("other", &format!("ticket.{ticket}"), "")
        }),
        ticket_case(
            "for another room, then for its own",
            401,
            |stage, ticket| {
                let offer = format!("ticket.{ticket}");
                stage.knock("other", &offer, "");
                stage.knock("main", &offer, "")
            },
        ),
        ticket_case("in another case", 401, |stage, ticket| {
            let turned: String = ticket.chars().map(turn_case).collect();
            stage.knock("main", &format!("ticket.{turned}"), "")
        }),
        ticket_case("as resume token", 401, |stage, ticket| {
            stage.knock("main", &format!("resume.{ticket}"), "")
        }),
        ticket_case("as bearer", 401, |stage, ticket| {
            stage.knock("main", "x", &bearer(ticket))
        }),
        ticket_case("as session's cookie", 401, |stage, ticket| {
            let cookie = format!("Cookie: downbeat_session={ticket}\r\n");
            stage
                .post("/api/ticket", &cookie, r#"{"game":"meadow","room":"main"}"#)
                .status
        }),
        ticket_case("with a tail", 401, |stage, ticket| {
            stage.knock("main", &format!("ticket.{ticket}A"), "")
        }),
        ticket_case("by another word", 101, |stage, ticket| {
            // Nobody knows this word: its bearer is nobody, and the ticket stays good.
            stage.knock("main", &format!("Ticket.{ticket}"), "")
        }),
        ticket_case("in the query", 400, |stage, ticket| {
            stage.knock(&format!("main?ticket={ticket}"), "x", "")
        }),
        ticket_case("in the query by a general name", 400, |stage, ticket| {
            stage.knock(&format!("main?token={ticket}"), "x", "")
        }),
        ticket_case("raced by eight", 101, race),
        ticket_case("of who has logged out", 401, |stage, _| {
            let token = stage.guest();
            let ticket = stage.ticket(&token, "main");
            assert_eq!(stage.post("/api/logout", &bearer(&token), "{}").status, 204);
            stage.knock("main", &format!("ticket.{ticket}"), "")
        }),
    ]
}

const fn turn_case(c: char) -> char {
    if c.is_ascii_lowercase() {
        c.to_ascii_uppercase()
    } else {
        c.to_ascii_lowercase()
    }
}

/// Of eight who show one ticket at the same time one gets in.
fn race(stage: &Stage, ticket: &str) -> Outcome {
    let request = format!("ticket.{ticket}");
    let mut crowd: Vec<_> = (0..8)
        .map(|_| super::raw::Raw::connect(stage.port))
        .collect();
    let handshake =
        super::case::HANDSHAKE.replace("downbeat.v1", &format!("downbeat.v1, {request}"));
    for raw in &mut crowd {
        raw.send(handshake.as_bytes());
    }
    let statuses = crowd
        .iter_mut()
        .map(|raw| raw.head().map_or(0, |answer| answer.status));
    let mut statuses: Vec<_> = statuses.collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [101, 401, 401, 401, 401, 401, 401, 401]);
    stage.saw_admitted(&request, "");
    101
}

fn bearers() -> Vec<Case> {
    let case = |name: &str, expect: Outcome, line: fn(&str) -> String| {
        Case::new(format!("bearer: {name}"), &[expect], move |stage| {
            let token = stage.guest();
            stage.knock("main", "x", &line(&token))
        })
    };
    vec![
        case("good", 101, bearer),
        case("in another case", 401, |token| {
            bearer(&token.chars().map(turn_case).collect::<String>())
        }),
        case("Basic", 401, |token| {
            format!("Authorization: Basic {token}\r\n")
        }),
        case("without a scheme", 401, |token| {
            format!("Authorization: {token}\r\n")
        }),
        case("twice", 400, |token| bearer(token).repeat(2)),
        case("two in a line", 401, |token| {
            format!("Authorization: Bearer {token}, Bearer {token}\r\n")
        }),
        case("in quotes", 401, |token| {
            format!("Authorization: Bearer \"{token}\"\r\n")
        }),
        case("with two spaces", 401, |token| {
            format!("Authorization: Bearer  {token}\r\n")
        }),
        case("in a proxy's header, where nobody looks", 101, |token| {
            format!("Proxy-Authorization: Bearer {token}\r\n")
        }),
        case("with a page's origin that is not allowed", 403, |token| {
            format!("{}Origin: http://evil.net\r\n", bearer(token))
        }),
    ]
}

fn several() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, first, second) in [
        ("two tickets", "ticket", "ticket"),
        ("ticket and resume token", "ticket", "resume"),
        ("two resume tokens", "resume", "resume"),
    ] {
        cases.push(Case::new(
            format!("several: {name}"),
            &[400],
            move |stage| {
                let ticket = stage.ticket(&stage.guest(), "main");
                let other = stage.ticket(&stage.guest(), "main");
                stage.knock("main", &format!("{first}.{ticket}, {second}.{other}"), "")
            },
        ));
    }
    cases.push(Case::new("several: one ticket twice", &[400], |stage| {
        let ticket = stage.ticket(&stage.guest(), "main");
        stage.knock("main", &format!("ticket.{ticket}, ticket.{ticket}"), "")
    }));
    cases.push(Case::new("several: ticket and bearer", &[400], |stage| {
        let token = stage.guest();
        let ticket = stage.ticket(&token, "main");
        stage.knock("main", &format!("ticket.{ticket}"), &bearer(&token))
    }));
    cases.push(Case::new(
        "a cookie alone makes nobody somebody",
        &[101],
        |stage| {
            let token = stage.guest();
            let cookie = format!("Cookie: downbeat_session={token}\r\n");
            let before = stage.log().matches("\"credential\":\"none\"").count();
            let status = stage.knock("main", "x", &cookie);
            assert!(stage.log().matches("\"credential\":\"none\"").count() > before);
            status
        },
    ));
    cases
}

fn resumes() -> Vec<Case> {
    let case =
        |name: &str, expect: Outcome, deed: fn(&Stage, super::raw::Raw, String) -> Outcome| {
            Case::new(format!("resume: {name}"), &[expect], move |stage| {
                let offer = format!("ticket.{}", stage.ticket(&stage.guest(), "main"));
                let (raw, token) = stage.resumable("main", &offer);
                deed(stage, raw, token)
            })
        };
    vec![
        case("after a cut", 101, |stage, raw, token| {
            drop(raw);
            let (raw, next) = stage.resumable("main", &format!("resume.{token}"));
            assert_ne!(token, next, "tokens rotate");
            leave(raw);
            101
        }),
        case(
            "while the old one is up: it is fenced",
            4001,
            |stage, mut raw, token| {
                let (new, _) = stage.resumable("main", &format!("resume.{token}"));
                let code = raw.goodbye();
                leave(new);
                code
            },
        ),
        case("a token that was rotated away", 401, |stage, raw, token| {
            drop(raw);
            let (mut new, next) = stage.resumable("main", &format!("resume.{token}"));
            // The first message under the new one ends the old one. A ping that comes while
            // something waits for the socket has no answer, so it is said again.
            for frames in 0.. {
                if frames % 5 == 0 {
                    let ping = br#"{"type":"ping","token":1,"seen":1}"#;
                    new.send(&super::raw::frame(0x81, ping));
                }
                let frame = new.frame().expect("an answer");
                assert_ne!(frame.opcode, 8, "closed with {:?}", frame.code());
                if frame.payload.windows(6).any(|part| part == b"\"pong\"") {
                    break;
                }
            }
            let status = stage.knock("main", &format!("resume.{token}"), "");
            assert_ne!(token, next);
            leave(new);
            status
        }),
        case("after a goodbye", 401, |stage, raw, token| {
            leave(raw);
            // The room hears of it at its next step.
            for _ in 0..200 {
                let status = stage.knock("main", &format!("resume.{token}"), "");
                if status != 101 {
                    return status;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            101
        }),
        case("in another room", 401, |stage, raw, token| {
            drop(raw);
            stage.knock("other", &format!("resume.{token}"), "")
        }),
        case("as ticket", 401, |stage, raw, token| {
            drop(raw);
            stage.knock("main", &format!("ticket.{token}"), "")
        }),
        case("as bearer", 401, |stage, raw, token| {
            drop(raw);
            stage.knock("main", "x", &bearer(&token))
        }),
        case("with somebody else's bearer", 400, |stage, raw, token| {
            drop(raw);
            let other = stage.guest();
            stage.knock("main", &format!("resume.{token}"), &bearer(&other))
        }),
        case("with a tail", 401, |stage, raw, token| {
            drop(raw);
            stage.knock("main", &format!("resume.{token}A"), "")
        }),
        case("in another case", 401, |stage, raw, token| {
            drop(raw);
            let turned: String = token.chars().map(turn_case).collect();
            stage.knock("main", &format!("resume.{turned}"), "")
        }),
        case("in the query", 400, |stage, raw, token| {
            drop(raw);
            stage.knock(&format!("main?resume={token}"), "x", "")
        }),
        case("by a page of another site", 403, |stage, raw, token| {
            drop(raw);
            stage.knock(
                "main",
                &format!("resume.{token}"),
                "Origin: http://evil.net\r\n",
            )
        }),
    ]
}

/// What a session gave ends with it.
fn ended() -> Vec<Case> {
    let case = |name: &str, expect: Outcome, deed: fn(&Stage, &str) -> Outcome| {
        Case::new(format!("ended: {name}"), &[expect], move |stage| {
            deed(stage, &stage.guest())
        })
    };
    vec![
        case(
            "a session's bearer after the logout",
            401,
            |stage, token| {
                assert_eq!(stage.post("/api/logout", &bearer(token), "{}").status, 204);
                stage.knock("main", "x", &bearer(token))
            },
        ),
        case("who is in, after the logout", 4003, |stage, token| {
            let offer = format!("ticket.{}", stage.ticket(token, "main"));
            let (mut raw, _) = stage.resumable("main", &offer);
            assert_eq!(stage.post("/api/logout", &bearer(token), "{}").status, 204);
            raw.goodbye()
        }),
        case(
            "who is in, after the logout everywhere",
            4003,
            |stage, token| {
                let offer = format!("ticket.{}", stage.ticket(token, "main"));
                let (mut raw, _) = stage.resumable("main", &offer);
                let body = r#"{"everywhere":true}"#;
                assert_eq!(stage.post("/api/logout", &bearer(token), body).status, 204);
                raw.goodbye()
            },
        ),
        case("a resume token after the logout", 401, |stage, token| {
            let offer = format!("ticket.{}", stage.ticket(token, "main"));
            let (raw, resume) = stage.resumable("main", &offer);
            drop(raw);
            assert_eq!(stage.post("/api/logout", &bearer(token), "{}").status, 204);
            stage.knock("main", &format!("resume.{resume}"), "")
        }),
        case("a ticket by a session that ended", 401, |stage, token| {
            assert_eq!(stage.post("/api/logout", &bearer(token), "{}").status, 204);
            stage
                .post(
                    "/api/ticket",
                    &bearer(token),
                    r#"{"game":"meadow","room":"main"}"#,
                )
                .status
        }),
        case("the fifth connection of a user", 429, |stage, token| {
            let join = |_| stage.enter("main", "x", &bearer(token)).expect("let in").0;
            let four: Vec<_> = (0..4).map(join).collect();
            let status = stage.knock("main", "x", &bearer(token));
            four.into_iter().for_each(leave);
            status
        }),
    ]
}

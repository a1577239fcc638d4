//! Where guests need a session, and where there are none.

use std::fmt::Write as _;

use super::case::{Case, Outcome};
use super::jwt;
use super::people::{bearer, leave};
use super::stage::Stage;

/// Guests need a session; tokens of another site are taken too.
pub(crate) fn ticket_settings(site: &jwt::Site) -> String {
    format!("[gate]\nguests = \"ticket\"\n{}", site.settings())
}

/// There are no guests, in a store where there were some.
pub(crate) fn off_settings(site: &jwt::Site, store: &str) -> String {
    let mut settings = format!("[gate]\nguests = \"off\"\n{}", site.settings());
    write!(settings, "[store]\nurl = \"{store}\"\n").expect("written");
    settings
}

const TICKET: &str = r#"{"game":"meadow","room":"main"}"#;

fn case(name: &str, expect: Outcome, deed: impl Fn(&Stage) -> Outcome + 'static) -> Case {
    Case::new(format!("guests: {name}"), &[expect], deed)
}

/// What lets nobody in, whether guests need a session or there are none.
fn nothing(mode: &'static str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, offers, lines) in [
        ("nothing", "x", ""),
        ("a word", "guest", ""),
        ("an empty ticket", "ticket.", ""),
        (
            "a forged ticket",
            "ticket.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "",
        ),
        ("an empty bearer", "x", "Authorization: Bearer \r\n"),
        ("a name", "x", "Authorization: Basic QWRhOg==\r\n"),
        (
            "a user in a header",
            "x",
            "X-User: account_1\r\nX-Remote-User: account_1\r\n",
        ),
    ] {
        cases.push(case(&format!("{mode}: {name}"), 401, move |stage| {
            stage.knock("main", offers, lines)
        }));
    }
    cases.push(case(
        &format!("{mode}: the lone cookie of an account"),
        401,
        |stage| {
            let token = sign_in(stage);
            let cookie = format!("Cookie: downbeat_session={token}\r\n");
            stage.knock("main", "x", &cookie)
        },
    ));
    cases
}

/// What lets somebody in, whether guests need a session or there are none.
fn somebody(mode: &'static str) -> Vec<Case> {
    vec![
        case(&format!("{mode}: an account's bearer"), 101, |stage| {
            stage.knock("main", "x", &bearer(&sign_in(stage)))
        }),
        case(&format!("{mode}: an account's ticket"), 101, |stage| {
            let ticket = stage.ticket(&sign_in(stage), "main");
            stage.knock("main", &format!("ticket.{ticket}"), "")
        }),
        case(
            &format!("{mode}: an account that comes back"),
            101,
            |stage| comes_back(stage, &sign_in(stage)),
        ),
        case(&format!("{mode}: a token of another site"), 101, |stage| {
            let token = jwt::good();
            stage.issued(&token);
            stage.knock("main", "x", &bearer(&token))
        }),
        case(
            &format!("{mode}: a ticket for a token of another site"),
            101,
            |stage| {
                let token = jwt::good();
                stage.issued(&token);
                let ticket = stage.ticket(&token, "main");
                stage.knock("main", &format!("ticket.{ticket}"), "")
            },
        ),
    ]
}

/// A session of an account of its own.
fn sign_in(stage: &Stage) -> String {
    // Names are free until they are taken: each case has the next.
    let name = stage.next_name("Member");
    stage.account(&name, "a member's password")
}

fn comes_back(stage: &Stage, token: &str) -> Outcome {
    let (raw, welcome) = stage.enter("main", "x", &bearer(token)).expect("let in");
    drop(raw);
    let resume = welcome["resume"].as_str().expect("a token").to_owned();
    match stage.enter("main", &format!("resume.{resume}"), "") {
        Ok((raw, _)) => {
            leave(raw);
            101
        }
        Err(outcome) => outcome,
    }
}

pub(crate) fn ticket_cases() -> Vec<Case> {
    let mut cases = nothing("ticket");
    cases.extend(somebody("ticket"));
    cases.extend([
        case("ticket: a guest's bearer", 101, |stage| {
            stage.knock("main", "x", &bearer(&stage.guest()))
        }),
        case("ticket: a guest's ticket", 101, |stage| {
            let ticket = stage.ticket(&stage.guest(), "main");
            stage.knock("main", &format!("ticket.{ticket}"), "")
        }),
        case("ticket: a guest that comes back", 101, |stage| {
            comes_back(stage, &stage.guest())
        }),
        case("ticket: a guest after the logout", 401, |stage| {
            let token = stage.guest();
            assert_eq!(stage.post("/api/logout", &bearer(&token), "{}").status, 204);
            stage.knock("main", "x", &bearer(&token))
        }),
        case("ticket: a ticket without a session", 401, |stage| {
            stage.post("/api/ticket", "", TICKET).status
        }),
    ]);
    cases
}

/// `guest` has a session of when there were guests.
pub(crate) fn off_cases(guest: &str) -> Vec<Case> {
    let mut cases = nothing("off");
    cases.extend(somebody("off"));
    let of_old = guest.to_owned();
    cases.push(case("off: a guest of old", 401, move |stage| {
        let who = stage.request("GET", "/api/session", &bearer(&of_old), "");
        assert_eq!(who.json()["user"]["kind"], "guest", "the session is good");
        stage.knock("main", "x", &bearer(&of_old))
    }));
    let of_old = guest.to_owned();
    cases.push(case("off: a ticket of a guest of old", 401, move |stage| {
        let answer = stage.post("/api/ticket", &bearer(&of_old), TICKET);
        let Some(ticket) = answer.json()["ticket"].as_str().map(str::to_owned) else {
            return answer.status;
        };
        stage.issued(&ticket);
        stage.knock("main", &format!("ticket.{ticket}"), "")
    }));
    for body in ["{}", r#"{"name":"Ada"}"#, r#"{"token":true}"#] {
        cases.push(case(
            &format!("off: a new guest {body}"),
            403,
            move |stage| {
                let answer = stage.post("/api/guest", "", body);
                assert_eq!(answer.json()["error"], "no_guests");
                assert_eq!(answer.header("set-cookie"), None);
                answer.status
            },
        ));
    }
    cases
}

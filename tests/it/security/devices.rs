//! Several devices of one user, under each of the three rules.

use super::case::{Case, Outcome};
use super::people::{Inside, bearer};
use super::stage::Stage;

pub(crate) fn settings(rule: &str) -> String {
    format!("[gate]\ndevices = \"{rule}\"\n")
}

fn case(rule: &str, name: &str, expect: Outcome, deed: fn(&Stage) -> Outcome) -> Case {
    Case::new(format!("devices, {rule}: {name}"), &[expect], deed)
}

/// Joins with a session.
fn enter(stage: &Stage, token: &str) -> Inside {
    enter_by(stage, "main", ("x", &bearer(token))).0
}

/// The same by other lines, or to another room; also what to resume with.
fn enter_by(stage: &Stage, room: &str, (offers, lines): (&str, &str)) -> (Inside, String) {
    let (raw, welcome) = stage.enter(room, offers, lines).expect("let in");
    let resume = welcome["resume"].as_str().expect("a token");
    (Inside::new(raw), format!("resume.{resume}"))
}

/// Two sessions of one account.
fn two_sessions(stage: &Stage) -> [String; 2] {
    let name = stage.next_name("Device");
    let first = stage.account(&name, "a device's password");
    let body = serde_json::json!({"name": name, "password": "a device's password", "token": true});
    let answer = stage.post("/api/login", "", &body.to_string());
    let second = answer.json()["token"].as_str().expect("a token").to_owned();
    stage.issued(&second);
    [first, second]
}

/// What is so under every rule.
fn always(rule: &'static str) -> Vec<Case> {
    vec![
        case(rule, "two guests", 101, |stage| {
            let [ada, bob] = [stage.guest(), stage.guest()].map(|token| enter(stage, &token));
            assert!(ada.leave() && bob.leave());
            101
        }),
        case(rule, "two who are nobody", 101, |stage| {
            let [one, two] = ["", ""].map(|lines| enter_by(stage, "main", ("x", lines)).0);
            assert!(one.leave() && two.leave());
            101
        }),
        case(rule, "who comes back closes its own line", 4001, |stage| {
            let token = stage.guest();
            let (old, resume) = enter_by(stage, "main", ("x", &bearer(&token)));
            let (new, _) = enter_by(stage, "main", (&resume, ""));
            let code = old.goodbye();
            assert!(new.leave());
            code
        }),
    ]
}

pub(crate) fn allow() -> Vec<Case> {
    let mut cases = always("allow");
    cases.extend([
        case("allow", "another", 101, |stage| {
            let devices = two_sessions(stage).map(|token| enter(stage, &token));
            assert!(devices.into_iter().all(Inside::leave));
            101
        }),
        case("allow", "the fifth", 429, |stage| {
            let [one, two] = two_sessions(stage);
            let four = [&one, &two, &one, &two].map(|token| enter(stage, token));
            let status = stage.knock("main", "x", &bearer(&one));
            four.into_iter().for_each(|device| assert!(device.leave()));
            status
        }),
    ]);
    cases
}

pub(crate) fn newest() -> Vec<Case> {
    let mut cases = always("newest");
    cases.extend([
        case("newest", "another", 4001, |stage| {
            let [one, two] = two_sessions(stage);
            let old = enter(stage, &one);
            let new = enter(stage, &two);
            let code = old.goodbye();
            assert!(new.leave());
            code
        }),
        case("newest", "another in another room", 4001, |stage| {
            let token = stage.guest();
            let old = enter(stage, &token);
            let (new, _) = enter_by(stage, "elsewhere", ("x", &bearer(&token)));
            let code = old.goodbye();
            assert!(new.leave());
            code
        }),
        case("newest", "one after the other, ten times", 4001, |stage| {
            let token = stage.guest();
            let mut last = enter(stage, &token);
            for _ in 0..10 {
                let next = enter(stage, &token);
                assert_eq!(last.goodbye(), 4001);
                last = next;
            }
            assert!(last.leave());
            4001
        }),
        case("newest", "the older one comes back", 401, |stage| {
            let token = stage.guest();
            let (old, resume) = enter_by(stage, "main", ("x", &bearer(&token)));
            let new = enter(stage, &token);
            assert_eq!(old.goodbye(), 4001);
            let status = stage.knock("main", &resume, "");
            assert!(new.leave());
            status
        }),
        case(
            "newest",
            "one that never says hello closes nobody",
            101,
            |stage| {
                let token = stage.guest();
                let member = enter(stage, &token);
                let status = stage.knock("main", "x", &bearer(&token));
                assert!(member.leave());
                status
            },
        ),
        case(
            "newest",
            "one with a bad credential closes nobody",
            401,
            |stage| {
                let token = stage.guest();
                let member = enter(stage, &token);
                let status = stage.knock("main", "x", &bearer(&format!("{token}A")));
                assert!(member.leave());
                status
            },
        ),
    ]);
    cases
}

pub(crate) fn refuse() -> Vec<Case> {
    let mut cases = always("refuse");
    cases.extend([
        case("refuse", "another", 409, |stage| {
            let [one, two] = two_sessions(stage);
            let member = enter(stage, &one);
            let status = stage.knock("main", "x", &bearer(&two));
            assert!(member.leave());
            status
        }),
        case(
            "refuse",
            "another in another room, by a ticket",
            409,
            |stage| {
                let token = stage.guest();
                let member = enter(stage, &token);
                let ticket = stage.ticket(&token, "elsewhere");
                let status = stage.knock("elsewhere", &format!("ticket.{ticket}"), "");
                assert!(member.leave());
                status
            },
        ),
        case(
            "refuse",
            "one that has not said hello yet counts",
            409,
            |stage| {
                let token = stage.guest();
                let mut first = stage.connect();
                first.send(super::people::request("main", "x", &bearer(&token)).as_bytes());
                assert_eq!(first.head().map(|answer| answer.status), Some(101));
                stage.saw_admitted("", &bearer(&token));
                stage.knock("main", "x", &bearer(&token))
            },
        ),
        case("refuse", "after the other has left", 101, |stage| {
            let token = stage.guest();
            assert!(enter(stage, &token).leave());
            comes_in_soon(stage, &token)
        }),
        case("refuse", "after the other's line broke", 101, |stage| {
            let token = stage.guest();
            drop(stage.enter("main", "x", &bearer(&token)).expect("let in"));
            comes_in_soon(stage, &token)
        }),
    ]);
    cases
}

/// The place of a device that has gone comes free at once, but not before its end is noticed.
fn comes_in_soon(stage: &Stage, token: &str) -> Outcome {
    stage.until("let in", |stage| {
        match stage.knock("main", "x", &bearer(token)) {
            101 => true,
            409 => false,
            other => panic!("{other}"),
        }
    });
    101
}

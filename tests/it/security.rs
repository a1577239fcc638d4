//! Strangers at the door: the real program, and bytes over real sockets that no honest client
//! sends.
//!
//! Every case says what must come of it, and after each an honest bot must get in as fast as
//! before, else the case counts as failed: a server that refuses everybody proves nothing.

#![expect(
    clippy::too_many_lines,
    reason = "tables of cases are as long as they are"
)]

mod admin;
mod api;
mod case;
mod frames;
mod handshakes;
mod jwt;
mod names;
mod origins;
mod paths;
mod people;
pub(crate) mod raw;
mod slow;
mod smuggling;
pub(crate) mod stage;
mod storm;
mod subprotocols;
mod tickets;
mod websocket;

/// What the issue of the gate asked for at least.
const CASES_MIN: usize = 300;

#[test]
fn there_are_enough_cases_and_no_two_have_one_name() {
    let tables = [
        handshakes::cases(),
        smuggling::cases(),
        subprotocols::cases(),
        origins::cases(),
        paths::cases(),
        names::cases(),
        frames::cases(),
        origins::listed(),
        tickets::cases(),
        jwt::cases(&jwt::Site::new()),
        api::cases(),
        admin::cases(),
        admin::with_token(),
    ];
    let mut names: Vec<_> = tables.iter().flatten().map(|case| &*case.name).collect();
    assert!(names.len() >= CASES_MIN, "{} cases", names.len());
    names.sort_unstable();
    for pair in names.windows(2) {
        assert_ne!(pair[0], pair[1], "two cases of one name");
    }
}

#[test]
fn nobody_gets_in_by_bending_a_handshake_and_honest_bots_do_after_each() {
    let stage = stage::Stage::open("");
    case::run(&stage, &handshakes::cases());
    case::run(&stage, &smuggling::cases());
    case::run(&stage, &subprotocols::cases());
    case::run(&stage, &paths::cases());
    case::run(&stage, &origins::cases());
}

#[test]
fn messages_and_names_that_mean_harm_do_none() {
    let stage = stage::Stage::open("");
    case::run(&stage, &names::cases());
    case::run(&stage, &frames::cases());
}

#[test]
fn where_origins_are_listed_no_others_are_let_in() {
    let stage = stage::Stage::open(origins::LISTED);
    case::run(&stage, &origins::listed());
}

#[test]
fn no_ticket_token_or_login_lets_in_whom_it_should_not_and_none_is_in_the_log() {
    let site = jwt::Site::new();
    let stage = stage::Stage::open(&site.settings());
    case::attack(&stage, &tickets::cases());
    case::attack(&stage, &jwt::cases(&site));
    case::attack(&stage, &api::cases());
    case::attack(&stage, &admin::cases());
    stage.audit();
}

#[test]
fn the_operators_door_opens_to_their_token_only() {
    let stage = stage::Stage::open(&format!("admin_token = \"{}\"", admin::TOKEN));
    stage.issued(admin::TOKEN);
    case::attack(&stage, &admin::with_token());
    stage.audit();
}

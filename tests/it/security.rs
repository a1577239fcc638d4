//! Strangers at the door: the real program, and bytes over real sockets that no honest client
//! sends.
//!
//! Every case says what must come of it, and after each an honest bot must get in as fast as
//! before, else the case counts as failed: a server that refuses everybody proves nothing.

#![expect(
    clippy::too_many_lines,
    reason = "tables of cases are as long as they are"
)]

use std::rc::Rc;
use std::sync::Arc;

mod admin;
mod api;
mod case;
mod devices;
mod endings;
mod frames;
mod guests;
mod handshakes;
mod jwt;
mod names;
mod origins;
mod paths;
mod people;
mod proxies;
pub(crate) mod raw;
mod secrets;
mod slow;
mod smuggling;
pub(crate) mod stage;
mod storm;
mod subprotocols;
mod tickets;
mod tls;
mod websocket;

/// What the issue of the gate asked for at least was 300; so many there are.
const CASES_MIN: usize = 1_180;

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
        endings::expired(&Rc::default()),
        endings::everywhere(),
        guests::ticket_cases(),
        guests::off_cases(""),
        devices::allow(),
        devices::newest(),
        devices::refuse(),
        proxies::trusted(),
        proxies::untrusted(),
        proxies::secure("without a proxy", false),
        proxies::limited(),
        tls::cases(&tls::Certificate::new().issue()),
        secrets::cases(),
        secrets::mistakes(),
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

#[test]
fn what_is_over_lets_nobody_in_and_whoever_hung_on_it_goes() {
    let stage = stage::Stage::open(endings::SHORT);
    let over = endings::Over::await_end(&stage);
    case::attack(&stage, &endings::expired(&over));
    stage.audit();
}

#[test]
fn a_logout_everywhere_or_a_new_password_closes_all_devices_that_it_should() {
    let stage = stage::Stage::open("");
    case::attack(&stage, &endings::everywhere());
    stage.audit();
}

#[test]
fn a_session_that_ends_in_the_database_ends_for_those_who_are_in() {
    let stage = stage::Stage::open(endings::LOOKED_AT);
    let elsewhere = endings::Elsewhere::beside(&stage);
    endings::end_elsewhere(&stage, &elsewhere);
}

#[test]
fn guests_get_in_as_far_as_the_configuration_says() {
    let site = jwt::Site::new();
    let with_guests = |stage: &stage::Stage| people::bearer(&stage.guest());
    let stage = stage::Stage::open_for(&guests::ticket_settings(&site), with_guests);
    case::attack(&stage, &guests::ticket_cases());
    stage.audit();
    let guest = stage.guest();
    // The same accounts and sessions, under another rule.
    let store = format!("sqlite:{}", stage.data().join("downbeat.db").display());
    let settings = guests::off_settings(&site, &store);
    let with_account = |stage: &stage::Stage| {
        let token = stage.account("Honest", "an honest password");
        people::bearer(&token)
    };
    let off = stage::Stage::open_for(&settings, with_account);
    off.issued(&guest);
    case::attack(&off, &guests::off_cases(&guest));
    off.audit();
}

#[test]
fn another_device_comes_too_or_instead_or_not_at_all() {
    for (rule, cases) in [
        ("allow", devices::allow()),
        ("newest", devices::newest()),
        ("refuse", devices::refuse()),
    ] {
        let stage = stage::Stage::open(&devices::settings(rule));
        case::attack(&stage, &cases);
        stage.audit();
    }
}

#[test]
fn what_a_stranger_says_of_its_address_changes_nothing() {
    let stage = stage::Stage::open(proxies::UNTRUSTED);
    case::attack(&stage, &proxies::untrusted());
    let stage = stage::Stage::open("");
    case::attack(&stage, &proxies::secure("without a proxy", false));
}

#[test]
fn behind_a_trusted_proxy_each_client_is_known_by_its_address() {
    let stage = stage::Stage::open(proxies::TRUSTED);
    case::attack(&stage, &proxies::trusted());
    let badge = |_: &stage::Stage| "X-Forwarded-For: 203.0.113.200\r\n".to_owned();
    let stage = stage::Stage::open_for(proxies::LIMITED, badge);
    case::attack(&stage, &proxies::limited());
    stage.audit();
}

#[test]
fn whoever_speaks_no_tls_or_half_of_it_disturbs_nobody() {
    let certificate = tls::Certificate::new();
    let greeting = certificate.issue();
    let settings = |handshake_ms: u32| {
        let tls = certificate.settings();
        format!("[limits]\nhandshake_ms = {handshake_ms}\n{tls}")
    };
    let stage = stage::Stage::open_tls(&settings(2000), Arc::new(greeting.clone()));
    case::attack(&stage, &tls::cases(&greeting));
    let hanging = tls::hang(&stage, 9);
    for mut raw in hanging {
        assert!(raw.head().is_none(), "dropped at the deadline");
    }
    stage.audit();
    // They hang for longer than the test lasts.
    let stage = stage::Stage::open_tls(&settings(60_000), Arc::new(greeting));
    let (member, _) = stage.enter("main", "x", "").expect("let in");
    let member = people::Inside::new(member);
    let hanging = tls::hang(&stage, 500);
    stage.until("all of them connected", |stage| {
        stage.metric("downbeat_connections ") > 500
    });
    for _ in 0..10 {
        stage.honest().expect("an honest bot gets in");
    }
    assert!(
        stage.metric("downbeat_connections ") > 500,
        "they still hang"
    );
    drop(hanging);
    assert!(member.leave(), "who is in stays");
}

#[test]
fn a_certificate_is_changed_while_members_are_inside() {
    tls::reload(&tls::Certificate::new());
}

#[test]
fn services_that_fail_tell_nobody_their_passwords() {
    use secrets::Services;

    let site = jwt::Site::new();
    for services in [Services::Away, Services::Refuse, Services::Repeat] {
        let stage = stage::Stage::open(&secrets::settings(services, &site));
        secrets::issue_all(&stage);
        case::attack(&stage, &secrets::cases());
        let log = stage.log();
        for failure in services.failures() {
            assert!(log.contains(failure), "{failure:?} is told");
        }
        stage.audit();
    }
}

#[test]
fn a_mistake_in_the_configuration_repeats_no_secret() {
    let stage = stage::Stage::open("");
    case::attack(&stage, &secrets::mistakes());
}

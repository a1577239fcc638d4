//! Games written against the public API alone.

use downbeat::testing::TestRoom;
use downbeat::{PlayerId, Seat, Vec2};
use downbeat_tests::quiz::{self, Phase, Quiz};
use downbeat_tests::shooter::{Event, Input, Kind, Shooter};

fn quiz() -> (TestRoom<Quiz>, PlayerId, PlayerId) {
    let mut room = TestRoom::open(quiz::Settings::default());
    let ada = room.join("Ada").expect("a free seat");
    let bob = room.join("Bob").expect("a free seat");
    (room, ada, bob)
}

#[test]
fn a_quiz_runs_from_the_lobby_to_its_end_without_a_single_avatar() {
    let (mut room, ada, bob) = quiz();
    assert!(matches!(
        room.view(ada).shared.phase,
        Phase::Question { number: 1, .. }
    ));
    let late = room.join("Cleo").expect("as a spectator");
    assert_eq!(room.view(late).seat, Seat::Spectator);

    room.input(ada, 0);
    room.step(1);
    assert_eq!(room.view(ada).private.chosen, Some(0));
    assert_eq!(
        room.view(bob).private.chosen,
        None,
        "a hand is nobody else's business"
    );
    room.input(bob, 1);
    room.step(1);
    assert!(matches!(
        room.view(bob).shared.phase,
        Phase::Reveal { right: 0 }
    ));
    assert_eq!(room.events(ada), [quiz::Event::Judged { right: true }]);
    assert_eq!(room.events(bob), [quiz::Event::Judged { right: false }]);
    assert_eq!(room.events(late), []);

    room.step(3 * 5); // the reveal passes, the second question comes
    assert!(matches!(
        room.view(ada).shared.phase,
        Phase::Question { number: 2, .. }
    ));
    room.step(10 * 5); // nobody answers
    room.step(3 * 5);
    let over = room.events(late);
    assert_eq!(
        over,
        [quiz::Event::Winner {
            player: ada.number()
        }]
    );
    assert_eq!(
        room.closed(bob).map(|close| close.code.number()),
        Some(4004)
    );
}

#[test]
fn a_spectators_input_is_refused_in_so_many_words() {
    let (mut room, ..) = quiz();
    let late = room.join("Cleo").expect("as a spectator");
    room.input(late, 0);
    room.step(1);
    assert_eq!(room.view(late).refused, [1]);
    assert_eq!(room.view(late).input_ack, 1);
}

#[test]
fn an_impossible_answer_is_a_kick() {
    let (mut room, ada, bob) = quiz();
    room.input(ada, 99);
    room.step(1);
    let close = room.closed(ada).expect("kicked");
    assert_eq!(
        (close.code.number(), close.reason),
        (4003, "no such choice")
    );
    assert_eq!(room.closed(bob), None);
}

#[test]
fn a_shooter_has_teams_private_ammunition_and_respawns() {
    let mut room = TestRoom::<Shooter>::open(());
    let ada = room.join("Ada").expect("let in");
    let bob = room.join("Bob").expect("let in");
    assert!(room.join("cheater").is_err());
    let body = |room: &mut TestRoom<Shooter>, player| {
        let id = room.room().avatar(player).expect("alive");
        room.room().entity(id).expect("alive").at
    };
    let way = body(&mut room, bob) - body(&mut room, ada);
    for _ in 0..2 {
        room.input(ada, Input::Fire(way));
        room.step(30);
    }
    assert_eq!(room.view(ada).private.ammo, 4);
    assert_eq!(room.view(bob).private.ammo, 6);
    assert_eq!(room.view(bob).shared.teams, [1, 0]);
    assert_eq!(room.view(bob).seat, Seat::Spectator, "it fell");
    let fell = Event::Fell(bob.number());
    assert_eq!(
        room.events(bob),
        [Event::HelpUs, Event::HelpUs, fell.clone()]
    );
    assert_eq!(room.events(ada), [fell], "help is the team's business");
    room.step(3 * 30);
    assert!(matches!(room.view(bob).seat, Seat::Avatar(_)), "it is back");
    assert!(room.view(bob).avatar().is_some());
}

#[test]
fn shooting_at_ones_own_side_is_a_kick_in_the_end() {
    let mut room = TestRoom::<Shooter>::open(());
    let [ada, _, cleo] = ["Ada", "Bob", "Cleo"].map(|name| room.join(name).expect("let in"));
    let id = |room: &mut TestRoom<Shooter>, player| room.room().avatar(player).expect("alive");
    for _ in 0..3 {
        let (from, to) = (id(&mut room, ada), id(&mut room, cleo));
        let at = |room: &mut TestRoom<Shooter>, id| room.room().entity(id).expect("alive").at;
        let way = at(&mut room, to) - at(&mut room, from);
        room.input(ada, Input::Fire(way));
        room.step(30);
    }
    assert_eq!(
        room.closed(ada).map(|close| close.reason),
        Some("shoots own team")
    );
    let left = room.view(cleo).entities.values();
    let fighters = left.filter(|thing| matches!(thing.kind, Kind::Fighter { .. }));
    assert_eq!(fighters.count(), 2, "its body went with it");
}

#[test]
fn hostile_numbers_do_a_shooter_no_harm() {
    let mut room = TestRoom::<Shooter>::open(());
    let ada = room.join("Ada").expect("let in");
    for way in [Vec2::NAN, Vec2::INFINITY, Vec2::ZERO, Vec2::splat(f32::MAX)] {
        room.input(ada, Input::Run(way));
        room.input(ada, Input::Fire(way));
        room.step(1);
    }
    let (_, body) = room.view(ada).avatar().expect("alive");
    assert!(body.at.is_finite());
}

#[test]
fn a_dropped_member_keeps_its_seat_for_the_grace_period() {
    let mut room = TestRoom::<Shooter>::open(());
    let ada = room.join("Ada").expect("let in");
    room.drop(ada);
    room.step(9 * 30);
    assert!(room.room().avatar(ada).is_some());
    room.resume(ada);
    assert!(room.view(ada).avatar().is_some());
    room.drop(ada);
    room.step(11 * 30);
    assert!(room.room().player(ada).is_none(), "gone for good");
    assert_eq!(room.room().entities().count(), 0);
}

//! Commits that are cut off, before the database has heard of them and after: from outside, each
//! line is kept once and each account is made once.

use downbeat_scenarios::Chat;
use downbeat_scenarios::chat::Input;

use super::proxy::{Line, Proxy};
use super::scene::{account, eventually, is_kept_once, start, until};
use super::services::Fresh;
use crate::asking::ask;
use crate::member::{Member, Steady};

/// How often each of the two happens.
const TIMES: usize = 4;

pub(super) async fn are_made_once(fresh: &Fresh, proxy: &Proxy) {
    let server = start(fresh.url_at(Some(proxy.address))).await;
    let other = start(fresh.url()).await;
    let steady = Steady::join(server.addr().port()).await;
    let mut chatters = Vec::new();
    let mut said = Vec::new();
    for n in 0..2 * TIMES {
        let cut = [Line::CutBeforeCommit, Line::CutAfterCommit][n % 2];
        let chatter =
            Member::<Chat>::join(server.addr().port(), "lobby", &format!("Chatter {n}")).await;
        let cuts = proxy.cuts();
        proxy.set(cut);
        let text = format!("line {n}");
        chatter.input(Input::Say { text: text.clone() });
        said.push(text);
        chatters.push(chatter);
        eventually("a line was cut off", async || proxy.cuts() > cuts).await;
        proxy.set(cut);
        let player = account(&format!("Player {n}"));
        let mut told = Vec::new();
        eventually(
            "an account was cut off, and it is known whether it was made",
            async || {
                let asked = ask(&server, "POST", "/api/register", "", &player).await;
                told.push(asked.status);
                asked.status != 503 && proxy.cuts() > cuts + 1
            },
        )
        .await;
        // Made at the first or at a later attempt, and once.
        let last = told.pop().expect("told");
        assert!(
            last == 201 || last == 409 && !told.is_empty(),
            "{told:?}, {last}"
        );
        assert!(told.iter().all(|status| *status == 503), "{told:?}");
        until(&server, 200, "POST", "/api/login", "", &player).await;
        until(&server, 409, "POST", "/api/register", "", &player).await;
    }
    is_kept_once(&other, &said).await;
    for chatter in chatters {
        chatter.is_answered().await;
    }
    steady.was_undisturbed().await;
}

//! What the store promises, on each database.

use downbeat_server::{Account, ChatRow, SessionRow, StoreError};

use super::services::{Fresh, Kind, on_all};

on_all!(
    an_account_is_found_by_name_and_number,
    a_name_is_taken_once_however_many_ask,
    what_changes_in_an_account_is_kept,
    a_new_password_and_the_end_of_other_sessions_are_one,
    an_account_and_its_first_session_are_one,
    sessions_are_kept_renewed_and_forgotten,
    many_accounts_and_sessions_are_found_at_once,
    profiles_are_kept_by_user_and_game,
    chat_lines_come_once_in_order_and_the_last_ones,
    what_was_written_is_there_after_a_restart,
    two_processes_may_start_at_once,
    one_bad_write_keeps_no_other_out,
    any_text_comes_back_as_it_went_in,
);

pub(crate) fn session(token: u8, user: &str) -> SessionRow {
    SessionRow {
        token_hash: [token; 32],
        user: user.to_owned(),
        name: "Ada".to_owned(),
        kind: "account".to_owned(),
        created_at_s: 1_000,
        expires_at_s: 4_000_000_000,
    }
}

pub(crate) fn line(n: i64) -> ChatRow {
    ChatRow {
        key: format!("k{n}"),
        room: "chat/main".to_owned(),
        user: "7".to_owned(),
        name: "Ada".to_owned(),
        text: format!("line {n}"),
        // Some share a millisecond.
        at_ms: 2_000_000_000_000 + n / 3,
    }
}

async fn an_account_is_found_by_name_and_number(fresh: &Fresh) {
    let store = fresh.store().await;
    let made = store.create_account("Ada", "ada", "$hash").await;
    let made = made.expect("made");
    assert!(made.id > 0 && made.id < 1 << 53, "{}", made.id);
    assert_eq!(store.account_by_name("ada").await, Ok(Some(made.clone())));
    assert_eq!(store.account(made.id).await, Ok(Some(made)));
    for other in ["Ada", "ada ", "adA", "ad", "ádá", ""] {
        assert_eq!(store.account_by_name(other).await, Ok(None), "{other:?}");
    }
    assert_eq!(store.account(1).await, Ok(None));
    assert_eq!(store.account(u64::MAX).await, Ok(None));
}

async fn a_name_is_taken_once_however_many_ask(fresh: &Fresh) {
    let stores = [fresh.store().await, fresh.store().await];
    let asking = (0..20).map(|n| {
        let store = stores[n % 2].clone();
        tokio::spawn(async move { store.create_account(&format!("Ada{n}"), "ada", "$").await })
    });
    let asking: Vec<_> = asking.collect();
    let (mut made, mut taken) = (Vec::new(), 0);
    for asked in asking {
        match asked.await.expect("no panic") {
            Ok(account) => made.push(account),
            Err(StoreError::NameTaken) => taken += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((made.len(), taken), (1, 19));
    let there = stores[0].account_by_name("ada").await;
    assert_eq!(there, Ok(made.pop()));
}

async fn what_changes_in_an_account_is_kept(fresh: &Fresh) {
    let store = fresh.store().await;
    let id = store
        .create_account("Ada", "ada", "$1")
        .await
        .expect("made")
        .id;
    // Setting what is so already touches a row, too.
    for _ in 0..2 {
        store.set_banned(id, true).await.expect("banned");
        store.set_password_hash(id, "$2").await.expect("changed");
    }
    let account = store.account(id).await.expect("read").expect("there");
    assert!(account.banned);
    assert_eq!(account.password_hash, "$2");
    assert!(!format!("{account:?}").contains('$'), "hidden");
    store.set_banned(id, false).await.expect("let in");
    let account = store.account(id).await.expect("read").expect("there");
    assert!(!account.banned);
    let nobody = store.set_banned(1, true).await;
    assert_eq!(nobody, Err(StoreError::NoSuchAccount));
    let nobody = store.set_password_hash(1, "$").await;
    assert_eq!(nobody, Err(StoreError::NoSuchAccount));
}

async fn a_new_password_and_the_end_of_other_sessions_are_one(fresh: &Fresh) {
    let store = fresh.store().await;
    let ada = store
        .create_account("Ada", "ada", "$1")
        .await
        .expect("made");
    for (token, user) in [(0, "7"), (1, "7"), (2, "7"), (3, "8")] {
        store
            .save_session(session(token, user))
            .await
            .expect("kept");
    }
    let there = async || {
        let mut there = Vec::new();
        for token in 0..4 {
            let row = store.session(&[token; 32]).await.expect("read");
            there.push(row.is_some());
        }
        there
    };
    let nobody = store.change_password((1, "$2"), "8", &[9; 32]).await;
    assert_eq!(nobody, Err(StoreError::NoSuchAccount));
    assert_eq!(there().await, [true, true, true, true]);
    let changed = store.change_password((ada.id, "$2"), "7", &[1; 32]).await;
    changed.expect("changed");
    assert_eq!(there().await, [false, true, false, true]);
    let account = store.account(ada.id).await.expect("read").expect("there");
    assert_eq!(account.password_hash, "$2");
    // One that has ended meanwhile does not begin anew.
    let changed = store.change_password((ada.id, "$3"), "7", &[2; 32]).await;
    changed.expect("changed");
    assert_eq!(there().await, [false, false, false, true]);
}

async fn an_account_and_its_first_session_are_one(fresh: &Fresh) {
    let store = fresh.store().await;
    let register = async |key: &str, token: u8| {
        let first = |_: &Account| Some(session(token, "7"));
        store.register(("Ada", key), "$", first).await
    };
    let made = register("ada", 0).await.expect("made");
    assert_eq!(store.account(made.id).await, Ok(Some(made)));
    assert_eq!(store.session(&[0; 32]).await, Ok(Some(session(0, "7"))));
    // Neither, where the name is taken or the session is none.
    assert_eq!(register("ada", 1).await, Err(StoreError::NameTaken));
    assert_eq!(store.session(&[1; 32]).await, Ok(None));
    let long = |_: &Account| Some(session(2, &"x".repeat(1_000)));
    let refused = store.register(("Bob", "bob"), "$", long).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(store.account_by_name("bob").await, Ok(None));
}

async fn sessions_are_kept_renewed_and_forgotten(fresh: &Fresh) {
    let store = fresh.store().await;
    for (token, user) in [(0, "7"), (1, "7"), (255, "8"), (65, "7 ")] {
        store
            .save_session(session(token, user))
            .await
            .expect("kept");
    }
    let there = store.session(&[0; 32]).await;
    assert_eq!(there, Ok(Some(session(0, "7"))));
    assert_eq!(store.session(&[9; 32]).await, Ok(None));
    let renewed = SessionRow {
        expires_at_s: 5_000_000_000,
        name: "Bea".to_owned(),
        ..session(0, "7")
    };
    store.save_session(renewed.clone()).await.expect("renewed");
    assert_eq!(store.session(&[0; 32]).await, Ok(Some(renewed)));
    store.delete_session(&[1; 32]).await.expect("forgotten");
    store
        .delete_session(&[1; 32])
        .await
        .expect("nothing to forget");
    assert_eq!(store.session(&[1; 32]).await, Ok(None));
    assert_eq!(store.delete_sessions_of("7").await, Ok(1));
    assert_eq!(store.delete_sessions_of("7").await, Ok(0));
    assert_eq!(store.session(&[0; 32]).await, Ok(None));
    let other = store.session(&[255; 32]).await;
    assert_eq!(other, Ok(Some(session(255, "8"))));
    let other = store.session(&[65; 32]).await;
    assert_eq!(other, Ok(Some(session(65, "7 "))));
}

async fn many_accounts_and_sessions_are_found_at_once(fresh: &Fresh) {
    let store = fresh.store().await;
    let mut ids = vec![1, u64::MAX];
    for n in 0..3 {
        let (name, key) = (format!("Ada{n}"), format!("ada{n}"));
        let made = store.create_account(&name, &key, "$").await;
        ids.push(made.expect("made").id);
        store.save_session(session(n, "7")).await.expect("kept");
    }
    let there = store.accounts(&ids).await.expect("read");
    let mut there: Vec<_> = there.into_iter().map(|account| account.name).collect();
    there.sort();
    assert_eq!(there, ["Ada0", "Ada1", "Ada2"]);
    let mut there = store.sessions(&[[2; 32], [9; 32], [0; 32]]).await;
    let there = there.as_mut().expect("read");
    there.sort_by_key(|row| row.token_hash);
    assert_eq!(*there, [session(0, "7"), session(2, "7")]);
    let many: Vec<_> = (0..64).map(|n| [n; 32]).collect();
    assert_eq!(store.sessions(&many).await.expect("read").len(), 3);
    assert_eq!(store.sessions(&[]).await, Ok(Vec::new()));
    assert_eq!(store.accounts(&[]).await, Ok(Vec::new()));
}

async fn profiles_are_kept_by_user_and_game(fresh: &Fresh) {
    let store = fresh.store().await;
    assert_eq!(store.profile("7", "meadow").await, Ok(None));
    let first = serde_json::json!({"gold": 3, "bag": ["rope", null, 1.5], "name": "Ä\"\\"});
    let saved = store.save_profile("7", "meadow", first.clone()).await;
    saved.expect("saved");
    let other = serde_json::json!(null);
    let saved = store.save_profile("7", "arena", other.clone()).await;
    saved.expect("saved");
    assert_eq!(store.profile("7", "meadow").await, Ok(Some(first)));
    let second = serde_json::json!({"gold": 4});
    let saved = store.save_profile("7", "meadow", second.clone()).await;
    saved.expect("saved");
    assert_eq!(store.profile("7", "meadow").await, Ok(Some(second)));
    assert_eq!(store.profile("7", "arena").await, Ok(Some(other)));
    assert_eq!(store.profile("8", "meadow").await, Ok(None));
    let huge = serde_json::json!("x".repeat(70_000));
    let refused = store.save_profile("7", "meadow", huge).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
}

async fn chat_lines_come_once_in_order_and_the_last_ones(fresh: &Fresh) {
    let store = fresh.store().await;
    for n in 0..1_000 {
        store.append_chat(line(n)).expect("queued");
        if n % 5 == 0 {
            store.append_chat(line(n)).expect("queued again");
        }
    }
    let elsewhere = ChatRow {
        key: "other".to_owned(),
        room: "chat/other".to_owned(),
        ..line(0)
    };
    store.append_chat(elsewhere).expect("queued");
    // What is waited for comes after what was queued before it.
    store.save_session(session(1, "7")).await.expect("kept");
    let last = store.chat_history("chat/main", 100).await.expect("read");
    let expected: Vec<_> = (900..1_000).map(line).collect();
    assert_eq!(last, expected);
    let all = store.chat_history("chat/main", u32::MAX).await;
    assert_eq!(all.expect("read").len(), 1_000);
    assert_eq!(store.chat_history("chat/main", 0).await, Ok(Vec::new()));
    assert_eq!(store.chat_history("chat", 9).await, Ok(Vec::new()));
}

async fn what_was_written_is_there_after_a_restart(fresh: &Fresh) {
    let store = fresh.store().await;
    let account = store.create_account("Ada", "ada", "$").await.expect("made");
    for n in 0..300 {
        store.append_chat(line(n)).expect("queued");
    }
    assert_eq!(store.stop().await, 0, "nothing is lost");
    let late = store.append_chat(line(300));
    assert_eq!(late, Err(StoreError::Unavailable));
    let store = fresh.store().await;
    assert_eq!(store.account(account.id).await, Ok(Some(account)));
    let lines = store.chat_history("chat/main", 1_000).await;
    assert_eq!(lines.expect("read").len(), 300);
}

async fn two_processes_may_start_at_once(fresh: &Fresh) {
    let starting = (0..4).map(|_| fresh.store());
    for store in futures_util::future::join_all(starting).await {
        let health = async {
            while !store.health().up {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let up = tokio::time::timeout(std::time::Duration::from_secs(10), health);
        up.await.expect("up in time");
        store.account(1).await.expect("there are tables");
    }
}

async fn one_bad_write_keeps_no_other_out(fresh: &Fresh) {
    let store = fresh.store().await;
    for n in 0..20 {
        store.append_chat(line(n)).expect("queued");
    }
    // What the store takes and the database does not.
    let bad = match fresh.kind {
        Kind::Sqlite => {
            "create trigger bad before insert on downbeat_chat when new.line = 'bad' \
             begin select raise(abort, 'bad'); end"
        }
        _ => "alter table downbeat_chat add constraint bad check (line <> 'bad')",
    };
    fresh.run(bad).await;
    for n in 20..40 {
        let text = if n == 30 { "bad" } else { "good" };
        let text = text.to_owned();
        store
            .append_chat(ChatRow { text, ..line(n) })
            .expect("queued");
    }
    let nul = ChatRow {
        text: "a\0b".to_owned(),
        ..line(100)
    };
    let refused = store.append_chat(nul);
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    store.save_session(session(1, "7")).await.expect("kept");
    let lines = store.chat_history("chat/main", 1_000).await;
    assert_eq!(lines.expect("read").len(), 39);
    let health = store.health();
    assert!(health.writable && health.up);
    assert_eq!((health.failed, health.queued), (1, 0));
}

async fn any_text_comes_back_as_it_went_in(fresh: &Fresh) {
    let store = fresh.store().await;
    let texts = [
        "'; drop table downbeat_chat; --",
        "\\' \\\\ \" ` % _ ? $1 :x",
        "👋🏽 ﷽ \u{202e}rtl \u{200b}",
        " leading and trailing ",
        "",
        "line\nline\r\n\ttab",
    ];
    for (n, text) in (0..).zip(texts) {
        let line = ChatRow {
            text: text.to_owned(),
            name: text.to_owned(),
            ..line(n)
        };
        store.append_chat(line).expect("queued");
    }
    store.save_session(session(1, "7")).await.expect("kept");
    let lines = store.chat_history("chat/main", 100).await.expect("read");
    assert_eq!(lines.len(), texts.len());
    for (line, text) in lines.iter().zip(texts) {
        assert_eq!((line.text.as_str(), line.name.as_str()), (text, text));
    }
}

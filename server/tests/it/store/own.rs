//! A project's own databases and the views over them, on each database.

use downbeat_server::config::{DatabaseConfig, ViewAuth, ViewConfig};
use downbeat_server::{App, Config, DatabaseError, Running, SessionRow, StartError, Value};

use super::services::{Fresh, Kind, on_all};
use crate::stage::{Adder, request, status};

on_all!(
    row_31_several_named_databases_with_their_own_pools_migrations_and_sql,
    migrations_are_applied_once,
    row_29_views_bind_what_the_path_says,
    row_29_views_know_who_asks_from_the_session_alone,
    views_say_what_is_wrong_and_nothing_of_the_database,
    wrong_views_are_told_at_the_start_with_what_there_is,
    wrong_databases_are_told_at_the_start,
);

mod gone;
mod migrations;

const MIGRATION: &str = "
create table scores (player bigint not null primary key, name varchar(100) not null,
    score bigint not null);
insert into scores values (1, 'Ada', 30);
insert into scores values (2, 'Bea; -- \u{e4}', 20);
insert into scores values (3, 'Cy', 10);
";

/// A folder with a migration, and settings of a database that wants it.
fn database(fresh: &Fresh) -> DatabaseConfig {
    let folder = fresh.folder.path().join("migrations");
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::write(folder.join("0001_scores.sql"), MIGRATION).expect("written");
    DatabaseConfig {
        url: Some(fresh.url()),
        migrations: Some(folder),
        ..DatabaseConfig::default()
    }
}

fn view(path: &str, sql: &str, auth: ViewAuth) -> ViewConfig {
    ViewConfig {
        database: "game".to_owned(),
        path: format!("/api/views/{path}"),
        sql: sql.to_owned(),
        auth,
        max_rows: 2,
    }
}

fn config(fresh: &Fresh) -> Config {
    let mut config = Config::for_tests();
    let databases = &mut config.store.databases;
    databases.insert("game".to_owned(), database(fresh));
    config
}

async fn start(config: Config) -> Result<Running, StartError> {
    App::new().game::<Adder>().start(config).await
}

async fn get(running: &Running, path: &str, extra: &str) -> (u16, serde_json::Value, String) {
    let answer = request(running.addr(), "GET", path, extra).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let body = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    (status(&answer), body, head.to_lowercase())
}

async fn row_31_several_named_databases_with_their_own_pools_migrations_and_sql(fresh: &Fresh) {
    let other = Fresh::new(Kind::Sqlite).await.expect("always there");
    let mut config = config(fresh);
    let mut second = DatabaseConfig {
        url: Some(other.url()),
        ..DatabaseConfig::default()
    };
    second.pool_max = 1;
    config.store.databases.insert("stats".to_owned(), second);
    let running = start(config).await.expect("starts");
    let (game, stats) = (running.database("game"), running.database("stats"));
    let (game, stats) = (game.expect("there"), stats.expect("there"));
    let unknown = running.database("gmae").expect_err("none of that name");
    assert_eq!(
        unknown.to_string(),
        "there is no database gmae; there is game, stats"
    );

    stats
        .execute("create table t (a text, b real)", &[])
        .await
        .expect("made");
    let values = [Value::Text("x'; --".to_owned()), Value::Float(1.5)];
    let added = stats.execute("insert into t values (?, ?)", &values).await;
    assert_eq!(added, Ok(1));
    let rows = stats
        .query("select a, b, null as c from t", &[])
        .await
        .expect("read");
    assert_eq!(rows[0].value("a"), Some(&values[0]));
    assert_eq!(rows[0].value("b"), Some(&values[1]));
    assert_eq!(rows[0].value("c"), Some(&Value::Null));
    assert_eq!(rows[0].columns(), ["a", "b", "c"]);

    let mark = if fresh.kind == Kind::Postgres {
        "$1"
    } else {
        "?"
    };
    let sql = format!("select name, score from scores where score > {mark} order by score");
    let rows = game
        .query_json(&sql, &[Value::Int(10)])
        .await
        .expect("read");
    let expected = serde_json::json!([
        {"name": "Bea; -- \u{e4}", "score": 20}, {"name": "Ada", "score": 30}
    ]);
    assert_eq!(serde_json::Value::Array(rows), expected);
    let twice = format!("insert into scores values (1, {mark}, 0)");
    let refused = game.execute(&twice, &["Eve".into()]).await;
    assert!(
        matches!(refused, Err(DatabaseError::Refused(_))),
        "{refused:?}"
    );
    let wrong = game.query("select nothing from nowhere", &[]).await;
    assert!(
        matches!(wrong, Err(DatabaseError::Statement(_))),
        "{wrong:?}"
    );
    let many = "select a.score from scores a, scores b, scores c, scores d, scores e, scores f, \
                scores g, scores h, scores i";
    let many = game.query(many, &[]).await;
    assert_eq!(many, Err(DatabaseError::TooManyRows));
    assert_eq!(
        game.query("select 1 as one", &[])
            .await
            .map(|rows| rows.len()),
        Ok(1)
    );
    running.stop().await.expect("stops");
}

async fn migrations_are_applied_once(fresh: &Fresh) {
    let config = config(fresh);
    let running = start(config.clone()).await.expect("starts");
    running.stop().await.expect("stops");
    let running = start(config).await.expect("starts again");
    let game = running.database("game").expect("there");
    let rows = game.query("select * from scores", &[]).await;
    assert_eq!(rows.expect("read").len(), 3);
}

async fn row_29_views_bind_what_the_path_says(fresh: &Fresh) {
    let mut config = config(fresh);
    let views = &mut config.store.views;
    let by_player = "select player, name from scores where player = :player;";
    views.insert(
        "one".into(),
        view("scores/{player}", by_player, ViewAuth::Anyone),
    );
    let by_name = "select score from scores where name = :name or name = :name";
    views.insert(
        "name".into(),
        view("named/{name}", by_name, ViewAuth::Anyone),
    );
    let all = "select name from scores order by score desc";
    views.insert("all".into(), view("scores/all", all, ViewAuth::Anyone));
    let running = start(config).await.expect("starts");

    let (code, body, head) = get(&running, "/api/views/scores/1", "").await;
    assert_eq!(
        (code, body),
        (200, serde_json::json!([{"player": 1, "name": "Ada"}]))
    );
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    let (_, body, _) = get(&running, "/api/views/scores/9", "").await;
    assert_eq!(body, serde_json::json!([]));
    let (code, body, head) = get(&running, "/api/views/scores/all", "").await;
    let two = serde_json::json!([{"name": "Ada"}, {"name": "Bea; -- \u{e4}"}]);
    assert_eq!((code, body), (200, two));
    assert!(head.contains("downbeat-more-rows: true"), "{head}");
    let (_, body, _) = get(&running, "/api/views/named/Bea;%20--%20%C3%A4", "").await;
    assert_eq!(body, serde_json::json!([{"score": 20}]));
    for injected in [
        "x'%20or%20'1'='1",
        "x%22%20or%201=1",
        "%5C'%20or%201=1%20--%20",
    ] {
        let (code, body, _) = get(&running, &format!("/api/views/named/{injected}"), "").await;
        assert_eq!((code, body), (200, serde_json::json!([])), "{injected}");
    }
}

async fn row_29_views_know_who_asks_from_the_session_alone(fresh: &Fresh) {
    let mut config = config(fresh);
    let own = "select score from scores where player = :user";
    let views = &mut config.store.views;
    views.insert("own".into(), view("own/{user}", own, ViewAuth::SignedIn));
    let running = start(config).await.expect("starts");
    let (code, body, _) = get(&running, "/api/views/own/1", "").await;
    assert_eq!(
        (code, &body["error"]),
        (401, &serde_json::json!("signed_out"))
    );
    let token = "A".repeat(43);
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    let row = SessionRow {
        token_hash: digest.as_ref().try_into().expect("32 bytes"),
        user: "2".to_owned(),
        ..super::suite::session(0, "2")
    };
    running
        .store()
        .save_session(row.clone())
        .await
        .expect("kept");
    let bea = serde_json::json!([{"score": 20}]);
    for credential in [
        format!("Authorization: Bearer {token}\r\n"),
        format!("Cookie: a=b; downbeat_session={token}; c=d\r\n"),
    ] {
        let (code, body, _) = get(&running, "/api/views/own/1", &credential).await;
        assert_eq!((code, &body), (200, &bea), "{credential}");
    }
    for wrong in [
        "Authorization: Bearer B\r\n".to_owned(),
        format!("Authorization: Basic {token}\r\n"),
        format!("Cookie: xdownbeat_session={token}\r\n"),
        format!("Authorization: Bearer {}\r\n", "B".repeat(43)),
    ] {
        let (code, _, _) = get(&running, "/api/views/own/1", &wrong).await;
        assert_eq!(code, 401, "{wrong}");
    }
    for (token, other) in [
        (
            "C".repeat(43),
            SessionRow {
                expires_at_s: 1,
                ..row.clone()
            },
        ),
        (
            "D".repeat(43),
            SessionRow {
                kind: "guest".to_owned(),
                ..row
            },
        ),
    ] {
        let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
        let other = SessionRow {
            token_hash: digest.as_ref().try_into().expect("32 bytes"),
            ..other
        };
        running.store().save_session(other).await.expect("kept");
        let credential = format!("Authorization: Bearer {token}\r\n");
        let (code, _, _) = get(&running, "/api/views/own/1", &credential).await;
        assert_eq!(code, 401);
    }
}

async fn views_say_what_is_wrong_and_nothing_of_the_database(fresh: &Fresh) {
    let mut config = config(fresh);
    let views = &mut config.store.views;
    let by_player = "select name from scores where player = :player";
    views.insert(
        "one".into(),
        view("scores/{player}", by_player, ViewAuth::Anyone),
    );
    let running = start(config).await.expect("starts");
    for (path, expected) in [
        ("nothing", 404),
        ("scores", 404),
        ("scores/", 404),
        ("scores/1/2", 404),
    ] {
        let (code, body, _) = get(&running, &format!("/api/views/{path}"), "").await;
        assert_eq!(
            (code, &body["error"]),
            (expected, &serde_json::json!("unknown")),
            "{path}"
        );
    }
    let posted = request(running.addr(), "POST", "/api/views/scores/1", "").await;
    assert_eq!(status(&posted), 405);
    let (code, body, _) = get(&running, "/api/views/scores/abc", "").await;
    match fresh.kind {
        Kind::Postgres => assert_eq!(
            (code, &body["error"]),
            (400, &serde_json::json!("bad_value"))
        ),
        _ => assert_eq!((code, body), (200, serde_json::json!([]))),
    }
    fresh.run("drop table scores").await;
    let (code, body, _) = get(&running, "/api/views/scores/1", "").await;
    let expected = serde_json::json!({"error": "failed", "message": "the view failed"});
    assert_eq!((code, body), (500, expected));
}

/// What a server says that does not start for this change of good settings.
async fn told(fresh: &Fresh, change: impl FnOnce(&mut Config)) -> String {
    let mut config = config(fresh);
    let stats = database(fresh);
    config.store.databases.insert("stats".to_owned(), stats);
    let sql = "select name from scores where player = :b";
    let good = view("a/{b}", sql, ViewAuth::Anyone);
    config.store.views.insert("good".to_owned(), good);
    change(&mut config);
    let told = start(config).await.err().expect("wrong settings");
    told.to_string()
}

async fn wrong_views_are_told_at_the_start_with_what_there_is(fresh: &Fresh) {
    let with_view = async |view: ViewConfig| {
        told(fresh, |config| {
            config.store.views.insert("x".to_owned(), view);
        })
        .await
    };
    let anyone = ViewAuth::Anyone;
    let elsewhere = ViewConfig {
        database: "gmae".to_owned(),
        ..view("x", "select 1", anyone)
    };
    assert_eq!(
        with_view(elsewhere).await,
        "views.x.database: there is no database gmae; there is game, stats"
    );
    assert_eq!(
        with_view(view(
            "x/{id}",
            "select 1 where 1 = :idd",
            ViewAuth::SignedIn
        ))
        .await,
        "views.x.sql: there is no :idd; there is :id, :user"
    );
    assert_eq!(
        with_view(view("x", "select 1 where 1 = :user", anyone)).await,
        "views.x.sql: :user needs auth = \"signed-in\""
    );
    assert_eq!(
        with_view(view("a/{c}", "select 1", anyone)).await,
        "views.x.path: views.good is served there"
    );
    let unknown = with_view(view("x", "select a from nowhere", anyone)).await;
    assert!(unknown.starts_with("views.x.sql: "), "{unknown}");
    assert!(unknown.contains("nowhere"), "{unknown}");
}

async fn wrong_databases_are_told_at_the_start(fresh: &Fresh) {
    let secret = told(fresh, |config| {
        let url = downbeat_server::DatabaseUrl::new("mongo://ann:s3cret@db/x");
        let game = config.store.databases.get_mut("game").expect("there");
        game.url = Some(url);
    });
    let secret = secret.await;
    assert!(
        secret.starts_with("databases.game.url: expected sqlite:"),
        "{secret}"
    );
    assert!(!secret.contains("s3cret"), "{secret}");
    let folder = told(fresh, |config| {
        let game = config.store.databases.get_mut("game").expect("there");
        game.migrations = Some("/nowhere/at/all".into());
    });
    let folder = folder.await;
    assert!(
        folder.starts_with("databases.game.migrations: /nowhere/at/all: "),
        "{folder}"
    );
    let bad = fresh.folder.path().join("bad");
    std::fs::create_dir(&bad).expect("made");
    std::fs::write(bad.join("0001_scores.sql"), MIGRATION).expect("written");
    std::fs::write(bad.join("0002_bad.sql"), "create tabel t (a int)").expect("written");
    let change = move |config: &mut Config| {
        config.store.databases.remove("stats");
        let game = config.store.databases.get_mut("game").expect("there");
        game.migrations = Some(bad.clone());
    };
    let bad = told(fresh, change).await;
    assert!(
        bad.starts_with("databases.game.migrations: migration 2: "),
        "{bad}"
    );
}

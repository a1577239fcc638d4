//! The HTTP API in the hands of other sites' pages and of people who try.

use super::case::{Case, Outcome};
use super::people::{JSON, bearer};
use super::raw::Raw;
use super::stage::Stage;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = kinds();
    cases.extend(bodies());
    cases.extend(origins());
    cases.extend(methods());
    cases.extend(accounts());
    cases
}

/// A session's cookie would come along with all of these, if a page of another site could.
fn kinds() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json-seq",
        "application/ld+json",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "text/json",
        "json",
        "text/plain; application/json",
    ] {
        let line = format!("Content-Type: {kind}\r\n");
        cases.push(Case::new(
            format!("API: content of type {kind:?}"),
            &[415],
            move |stage| stage.request("POST", "/api/guest", &line, "{}").status,
        ));
    }
    cases.push(Case::new("API: no type of content", &[415], |stage| {
        stage.request("POST", "/api/guest", "", "{}").status
    }));
    cases.push(Case::new("API: two types of content", &[415], |stage| {
        let lines = format!("{JSON}Content-Type: text/plain\r\n");
        stage.request("POST", "/api/guest", &lines, "{}").status
    }));
    cases
}

fn bodies() -> Vec<Case> {
    let mut cases = Vec::new();
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(5000));
    let deep = "[".repeat(3000);
    for (name, body, expect) in [
        ("no JSON", "name=Ada".to_owned(), 400),
        ("half a JSON", "{\"name\":".into(), 400),
        ("two JSONs", "{}{}".into(), 400),
        ("a list", "[]".into(), 400),
        ("null", "null".into(), 400),
        ("a name of a number", "{\"name\":7}".into(), 400),
        ("an unknown field", "{\"admin\":true}".into(), 400),
        (
            "a field twice",
            "{\"name\":\"a\",\"name\":\"b\"}".into(),
            400,
        ),
        ("a kind of one's own", "{\"kind\":\"account\"}".into(), 400),
        ("an id of one's own", "{\"id\":\"account_1\"}".into(), 400),
        ("more than 4 KiB", long, 413),
        ("a deep nest", deep, 400),
        ("a mark of byte order", "\u{feff}{}".into(), 400),
        ("half a surrogate", "{\"name\":\"\\ud800\"}".into(), 400),
    ] {
        cases.push(Case::new(format!("API: {name}"), &[expect], move |stage| {
            stage.post("/api/guest", "", &body).status
        }));
    }
    cases.push(Case::new("API: bytes that are no UTF-8", &[400], |stage| {
        raw_post(stage, &format!("{JSON}Content-Length: 4\r\n"), b"{\"\xff\"")
    }));
    cases.push(Case::new("API: a length that lies", &[408], |stage| {
        raw_post(stage, &format!("{JSON}Content-Length: 4000\r\n"), b"{}")
    }));
    cases.push(Case::new("API: chunks without end", &[413], |stage| {
        let lines = format!("{JSON}Transfer-Encoding: chunked\r\n");
        raw_post(
            stage,
            &lines,
            &b"400\r\n"
                .iter()
                .copied()
                .chain([b' '; 1024])
                .chain(*b"\r\n")
                .collect::<Vec<_>>()
                .repeat(8),
        )
    }));
    cases.push(Case::new(
        "API: a length of gigabytes",
        &[413, 408],
        |stage| {
            raw_post(
                stage,
                &format!("{JSON}Content-Length: 99999999999\r\n"),
                &[b' '; 9000],
            )
        },
    ));
    cases
}

fn raw_post(stage: &Stage, lines: &str, body: &[u8]) -> Outcome {
    let mut raw = Raw::connect(stage.port);
    let head = format!("POST /api/guest HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n");
    raw.send(head.as_bytes());
    raw.send(body);
    raw.head().map_or(0, |answer| answer.status)
}

fn origins() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in [
        "/api/guest",
        "/api/register",
        "/api/login",
        "/api/logout",
        "/api/password",
        "/api/ticket",
    ] {
        for origin in ["http://evil.net", "null", "http://localhost.evil.net"] {
            let line = format!("Origin: {origin}\r\n");
            cases.push(Case::new(
                format!("API: {path} from {origin}"),
                &[403],
                move |stage| {
                    let token = stage.guest();
                    let cookie = format!("{line}Cookie: downbeat_session={token}\r\n");
                    let answer = stage.post(path, &cookie, "{}");
                    assert_eq!(answer.header("set-cookie"), None);
                    assert_eq!(answer.header("access-control-allow-origin"), None);
                    answer.status
                },
            ));
        }
    }
    cases.push(Case::new(
        "API: who is signed in, asked from elsewhere",
        &[403],
        |stage| {
            let cookie = format!(
                "Origin: http://evil.net\r\nCookie: downbeat_session={}\r\n",
                stage.guest()
            );
            let answer = stage.request("GET", "/api/session", &cookie, "");
            assert_eq!(answer.header("access-control-allow-origin"), None);
            answer.status
        },
    ));
    cases.push(Case::new(
        "API: a preflight from elsewhere",
        &[204],
        |stage| {
            let lines = "Origin: http://evil.net\r\nAccess-Control-Request-Method: POST\r\n\
                     Access-Control-Request-Headers: content-type, authorization\r\n";
            let answer = stage.request("OPTIONS", "/api/ticket", lines, "");
            assert_eq!(answer.header("access-control-allow-origin"), None);
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            answer.status
        },
    ));
    cases
}

fn methods() -> Vec<Case> {
    let mut cases = Vec::new();
    for (method, path) in [
        ("GET", "/api/guest"),
        ("GET", "/api/register"),
        ("GET", "/api/login"),
        ("GET", "/api/logout"),
        ("GET", "/api/password"),
        ("GET", "/api/ticket"),
        ("PUT", "/api/guest"),
        ("DELETE", "/api/session"),
        ("POST", "/api/session"),
        ("PATCH", "/api/password"),
    ] {
        cases.push(Case::new(
            format!("API: {method} {path}"),
            &[405],
            move |stage| stage.request(method, path, JSON, "").status,
        ));
    }
    cases.push(Case::new("API: a method in a header", &[405], |stage| {
        let lines = "X-HTTP-Method-Override: POST\r\n";
        stage.request("GET", "/api/guest", lines, "").status
    }));
    cases
}

fn accounts() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, wanted) in [
        ("empty", ""),
        ("of spaces", "   "),
        ("of 25 characters", "abcdefghijklmnopqrstuvwxy"),
        ("with a newline", "Ada\nBob"),
        ("with a NUL", "Ada\0"),
        ("that turns around", "Ada\u{202e}"),
        ("with nothing to see in it", "A\u{200b}da"),
        ("of two alphabets", "\u{410}da"),
        ("of a guest", "guest-1"),
    ] {
        cases.push(Case::new(
            format!("account: a name {name}"),
            &[422],
            move |stage| register(stage, wanted, "correct horse"),
        ));
    }
    for (name, password, expect) in [
        ("of 7 bytes", "1234567".to_owned(), 422),
        ("of 1,025 bytes", "x".repeat(1025), 422),
        ("that is empty", String::new(), 422),
    ] {
        cases.push(Case::new(
            format!("account: a password {name}"),
            &[expect],
            move |stage| register(stage, "Zoe", &password),
        ));
    }
    cases.extend([
        Case::new("account: a name that is taken", &[409], |stage| {
            register(stage, "Carol", "carol's password");
            register(stage, "Carol", "another password")
        }),
        Case::new(
            "account: a name that is taken, in another case",
            &[409],
            |stage| register(stage, "cAROL", "another password"),
        ),
        Case::new(
            "account: a name that is taken, in wide letters",
            &[409, 422],
            |stage| register(stage, "\u{ff23}\u{ff41}rol", "another password"),
        ),
        Case::new("account: a wrong password", &[401], |stage| {
            login(stage, "Carol", "carol's passwort")
        }),
        Case::new("account: no such account", &[401], |stage| {
            login(stage, "Dora", "some password")
        }),
        Case::new("account: an empty password", &[401, 422], |stage| {
            login(stage, "Carol", "")
        }),
        Case::new("account: a query as name", &[401], |stage| {
            login(stage, "' or 1=1 --", "some password")
        }),
        Case::new("account: a password that is a hash", &[401], |stage| {
            login(
                stage,
                "Carol",
                "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5$AAAA",
            )
        }),
        Case::new("account: guessing one account", &[429], |stage| {
            register(stage, "Eva", "eva's password");
            for _ in 0..5 {
                login(stage, "Eva", "a guess or so");
            }
            let body = r#"{"name":"eVA","password":"eva's password"}"#;
            let answer = stage.post("/api/login", "", body);
            assert!(answer.header("retry-after").is_some());
            answer.status
        }),
        Case::new(
            "account: another's password is not changed",
            &[401],
            |stage| {
                let token = stage.account("Fred", "fred's password");
                let body = r#"{"old":"not fred's","new":"a new password"}"#;
                stage.post("/api/password", &bearer(&token), body).status
            },
        ),
        Case::new("account: a guest has no password", &[403], |stage| {
            let body = r#"{"old":"12345678","new":"a new password"}"#;
            stage
                .post("/api/password", &bearer(&stage.guest()), body)
                .status
        }),
        Case::new(
            "account: after a change other sessions are over",
            &[401],
            |stage| {
                let first = stage.account("Gina", "gina's password");
                let body = r#"{"name":"Gina","password":"gina's password","token":true}"#;
                let second = stage.post("/api/login", "", body).json()["token"].clone();
                let second = second.as_str().expect("a token").to_owned();
                stage.issued(&second);
                stage.issued("gina's second one");
                let body = r#"{"old":"gina's password","new":"gina's second one"}"#;
                let changed = stage.post("/api/password", &bearer(&second), body).status;
                assert_eq!(changed, 204);
                assert_eq!(stage.knock("main", "x", &bearer(&second)), 101);
                stage.knock("main", "x", &bearer(&first))
            },
        ),
        Case::new(
            "account: a ticket for a room that cannot be",
            &[404, 422, 400],
            |stage| {
                let body = r#"{"game":"meadow","room":"../x"}"#;
                stage
                    .post("/api/ticket", &bearer(&stage.guest()), body)
                    .status
            },
        ),
        Case::new(
            "account: a ticket for a game that there is not",
            &[404],
            |stage| {
                let body = r#"{"game":"chess","room":"main"}"#;
                stage
                    .post("/api/ticket", &bearer(&stage.guest()), body)
                    .status
            },
        ),
        Case::new("account: two cookies are none", &[401], |stage| {
            let cookie = format!(
                "Cookie: downbeat_session={0}; downbeat_session={0}\r\n",
                stage.guest()
            );
            stage.request("GET", "/api/session", &cookie, "").status
        }),
    ]);
    cases
}

fn register(stage: &Stage, name: &str, password: &str) -> Outcome {
    attempt(stage, "/api/register", name, password)
}

fn login(stage: &Stage, name: &str, password: &str) -> Outcome {
    attempt(stage, "/api/login", name, password)
}

fn attempt(stage: &Stage, path: &str, name: &str, password: &str) -> Outcome {
    if password.len() > 7 {
        stage.issued(password);
    }
    let body = serde_json::json!({"name": name, "password": password});
    stage.post(path, "", &body.to_string()).status
}

//! Services that are away or refuse our password: what everybody can read of it names none.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::admin::TOKEN;
use super::case::{CUT, Case, Outcome};
use super::jwt;
use super::people::{JSON, bearer};
use super::stage::Stage;
use crate::process::{Program, binary, free_port};

/// As written in addresses, and as meant.
const REDIS: [&str; 2] = ["redis%40pass%2Fword", "redis@pass/word"];
const STORE: [&str; 2] = ["store%40pass%2Fword", "store@pass/word"];
const OWN: [&str; 2] = ["own%40pass%2Fword", "own@pass/word"];
const IN_QUERY: &str = "a-password-in-a-query";
const KEYS: [&str; 2] = ["the key that seals messages", "the key before that one"];

/// A service on loopback: what it does with each connection.
type Serve = fn(TcpStream) -> std::io::Result<()>;

/// A port where this is served for as long as the test runs.
fn serve(serve: Serve) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // However it ended: the client has had its answer.
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Answers each command of Redis with an error made of what was said.
fn redis_that_says(mut stream: TcpStream, error: fn(&str) -> String) -> std::io::Result<()> {
    let mut got = [0; 4096];
    loop {
        let read = stream.read(&mut got)?;
        if read == 0 {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&got[..read]);
        // Several may come at once, and each wants its answer.
        let commands = said.lines().filter(|line| line.starts_with('*')).count();
        let answer = format!("-{}\r\n", error(&said.replace("\r\n", "' '")));
        stream.write_all(answer.repeat(commands).as_bytes())?;
    }
}

/// As Redis does that knows no AUTH: it repeats what it was told.
fn redis_without_auth(stream: TcpStream) -> std::io::Result<()> {
    redis_that_says(stream, |said| {
        format!("ERR unknown command 'AUTH', with args beginning with: '{said}'")
    })
}

fn redis_of_another_password(stream: TcpStream) -> std::io::Result<()> {
    redis_that_says(stream, |_| {
        "WRONGPASS invalid username-password pair or user is disabled.".into()
    })
}

/// Source: the chapter "Message Formats" of PostgreSQL's manual.
fn postgres_of_another_password(mut stream: TcpStream) -> std::io::Result<()> {
    const WANTS_TLS: [u8; 4] = 80_877_103_u32.to_be_bytes();
    let mut got = [0; 4096];
    let read = stream.read(&mut got)?;
    if got[..read].get(4..8) == Some(&WANTS_TLS) {
        stream.write_all(b"N")?;
        assert!(stream.read(&mut got)? > 0, "it goes on without TLS");
    }
    stream.write_all(b"R\0\0\0\x08\0\0\0\x03")?; // the password, as it is
    let read = stream.read(&mut got)?;
    assert!(read > 6, "it said the password");
    let text = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"ann\"\0\0";
    let len = u32::try_from(text.len() + 4).expect("short").to_be_bytes();
    stream.write_all(&[&b"E"[..], &len, text].concat())
}

/// Source: the chapter "Connection Phase" of MySQL's manual.
fn mysql_of_another_password(mut stream: TcpStream) -> std::io::Result<()> {
    let packet = |number: u8, body: &[u8]| {
        let len = u8::try_from(body.len()).expect("short");
        [&[len, 0, 0, number][..], body].concat()
    };
    let greeting = [
        &b"\x0a8.0.36\0\x01\0\0\0saltsalt\0\x08\x82\x2d\x02\0\x08\0\x15"[..],
        &[0; 10],
        b"saltsaltsalt\0mysql_native_password\0",
    ];
    stream.write_all(&packet(0, &greeting.concat()))?;
    assert!(stream.read(&mut [0; 4096])? > 0, "it answers the greeting");
    let denied =
        b"\xff\x15\x04#28000Access denied for user 'ann'@'localhost' (using password: YES)";
    stream.write_all(&packet(2, denied))
}

/// What stands behind the addresses of a server's services.
#[derive(Clone, Copy)]
pub(crate) enum Services {
    /// Nobody listens there.
    Away,
    /// They know other passwords.
    Refuse,
    /// The same, and one of them repeats what it was told.
    Repeat,
}

impl Services {
    /// What must be in a log to show that they did.
    pub(crate) const fn failures(self) -> &'static [&'static str] {
        match self {
            Self::Away => &["Connection refused"],
            // Those of Redis, PostgreSQL and MySQL.
            Self::Refuse | Self::Repeat => &[
                "Password authentication failed",
                "password authentication failed for user",
                "Access denied for user",
            ],
        }
    }
}

/// A server that was told of services, and of a site whose tokens it takes.
pub(crate) fn settings(services: Services, site: &jwt::Site) -> String {
    let [redis, postgres, mysql] = match services {
        Services::Away => [free_port(), free_port(), free_port()],
        Services::Refuse => [
            serve(redis_of_another_password),
            serve(postgres_of_another_password),
            serve(mysql_of_another_password),
        ],
        Services::Repeat => [
            serve(redis_without_auth),
            serve(postgres_of_another_password),
            serve(mysql_of_another_password),
        ],
    };
    let ([redis_as, _], [store_as, _], [own_as, _]) = (REDIS, STORE, OWN);
    format!(
        "admin_token = \"{TOKEN}\"\n\
         [layer]\nbackend = \"redis\"\nhosts = [\"redis://:{redis_as}@127.0.0.1:{redis}\"]\n\
         encryption_keys = {KEYS:?}\n\
         [store]\nurl = \"postgres://ann:{store_as}@127.0.0.1:{postgres}/game\"\ntimeout_ms = 500\n\
         [databases.own]\nurl = \"mysql://ann:{own_as}@127.0.0.1:{mysql}/shop\"\n\
         [databases.other]\nurl = \"postgres://127.0.0.1:{postgres}/shop?user=ann&password={IN_QUERY}\"\n\
         [views.own]\ndatabase = \"own\"\npath = \"/api/views/own\"\nsql = \"select 1\"\nauth = \"anyone\"\n\
         [views.other]\ndatabase = \"other\"\npath = \"/api/views/other\"\nsql = \"select 1\"\nauth = \"anyone\"\n\
         {}",
        site.settings()
    )
}

/// Tells the stage all that nobody may read.
pub(crate) fn issue_all(stage: &Stage) {
    let secrets = [REDIS, STORE, OWN, KEYS].concat();
    for secret in secrets.into_iter().chain([IN_QUERY, TOKEN, jwt::SECRET]) {
        stage.issued(secret);
    }
}

/// Everything that can be read of such a server; none of it has a secret.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let login = r#"{"name":"Ada","password":"a password"}"#;
    for (method, path, body, expect) in [
        ("GET", "/readyz", "", 503),
        ("GET", "/healthz", "", 200),
        ("GET", "/api/rooms", "", 200),
        ("GET", "/api/views/own", "", 503),
        ("GET", "/api/views/other", "", 503),
        ("POST", "/api/guest", "{}", 503),
        ("POST", "/api/login", login, 503),
        ("POST", "/api/register", login, 503),
    ] {
        cases.push(Case::new(
            format!("secrets: {method} {path}"),
            &[expect],
            move |stage| {
                let answer = stage.request(method, path, JSON, body);
                stage.keeps_secrets(path, &(answer.head.clone() + &answer.text()));
                answer.status
            },
        ));
    }
    let send = r#"{"group":"room.meadow.main","message":{"type":"hello"}}"#;
    for (method, path, body, expect) in [
        ("GET", "/metrics", "", 200),
        ("GET", "/healthz", "", 200),
        ("GET", "/admin/present?group=room.meadow.main", "", 503),
        ("POST", "/admin/send", send, 503),
        ("POST", "/admin/disconnect", r#"{"user":"account_1"}"#, 503),
        ("POST", "/admin/revoke", r#"{"user":"account_1"}"#, 503),
    ] {
        let name = format!("secrets: operators' {method} {path}");
        cases.push(Case::new(name, &[expect], move |stage| {
            let lines = format!("{JSON}{}", bearer(TOKEN));
            let answer = stage.operator(method, path, &lines, body);
            stage.keeps_secrets(path, &(answer.head.clone() + &answer.text()));
            answer.status
        }));
    }
    cases
}

/// A server that is told nonsense ends with a line; the secret in it is not repeated.
pub(crate) fn mistakes() -> Vec<Case> {
    const S: &str = "a-secret-0123456789";
    let mut cases = Vec::new();
    for settings in [
        "[store]\nurl = \"postgres://ann:{S}@127.0.0.1:port/x\"",
        "[store]\nurl = \"postgres://ann:{S}@[::1/x\"",
        "[store]\nurl = \"{S}\"",
        "[store]\nurl = \"mongo://ann:{S}@127.0.0.1/x\"",
        "[store]\nurl = [\"postgres://ann:{S}@127.0.0.1/x\"]",
        "[databases.own]\nurl = \"mysql://ann:{S}@127.0.0.1:port/x\"",
        "[databases.own]\nurl = \"{S}\"",
        "[databases]\nown = \"mysql://ann:{S}@127.0.0.1/x\"",
        "[databases.own]\nadress = \"mysql://ann:{S}@127.0.0.1/x\"",
        "store = \"postgres://ann:{S}@127.0.0.1/x\"",
        "layer = \"redis://:{S}@127.0.0.1:6379\"",
        "[layer]\nhosts = [\"redis://:{S}@127.0.0.1:port\"]",
        "[layer]\nhosts = [\"http://:{S}@127.0.0.1\"]",
        "[layer]\nhosts = \"{S}\"",
        "[layer]\nencryption_keys = [\"{S}\", \"\"]",
        "[layer]\nencryption_key = \"{S}\"",
        "admin_token = \"{S} {S}\"",
        "admin_token = [\"{S}\", \"{S}\"]",
        "admin_token = { token = \"{S}\" }",
        "admin_tokn = \"{S}\"",
        "admin_token = \"{S}",
        "admin_token = {S}",
        "admin_token = \"{S}\"\nadmin_token = \"{S}\"",
        "[jwt.hs]\nalgorithm = \"HS256\"\nkey = \"{S}\"\nissuer = \"i\"\naudience = \"a\"",
        "[jwt.hs]\nalgorithm = \"ES256\"\nkey = \"{S}\"\nissuer = \"i\"\naudience = \"a\"",
        "[jwt.hs]\nalgorithm = \"HS256\"\nsecret = \"{S}\"",
        "[jwt]\nhs = \"{S}\"",
        "jwt = \"{S}\"",
    ] {
        let settings = settings.replace("{S}", S);
        let name = format!("mistakes: {settings:?}");
        cases.push(Case::new(name, &[2], move |_| {
            ends_without(S, &settings, &[])
        }));
    }
    for (variable, value) in [
        ("DOWNBEAT_STORE_URL", "mongo://ann:{S}@127.0.0.1/x"),
        ("DOWNBEAT_DATABASES_OWN_URL", "{S}"),
        ("DOWNBEAT_LAYER_HOSTS", "http://:{S}@127.0.0.1"),
        ("DOWNBEAT_ADMIN_TOKEN", "{S} {S}"),
        ("DOWNBEAT_ADMIN_TOKN", "{S}"),
        ("DOWNBEAT_STORE", "postgres://ann:{S}@127.0.0.1/x"),
        ("DOWNBEAT_JWT_HS_KEY", ""),
    ] {
        let value = value.replace("{S}", S);
        let name = format!("mistakes: {variable}={value}");
        cases.push(Case::new(name, &[2], move |_| {
            ends_without(S, "", &[(variable, &value)])
        }));
    }
    cases
}

/// Starts a server that cannot start; its exit code.
fn ends_without(secret: &str, settings: &str, variables: &[(&str, &str)]) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("downbeat.toml");
    let (port, admin) = (free_port(), free_port());
    let listens = format!("listen = \"127.0.0.1:{port}\"\nadmin = \"127.0.0.1:{admin}\"\n");
    let settings = format!("{listens}log = \"trace\"\n{settings}\n");
    std::fs::write(&file, settings).expect("written");
    let said = folder.path().join("said");
    let into = std::fs::File::create(&said).expect("a file");
    let mut command = Command::new(binary());
    command.arg("serve").arg("--config").arg(&file);
    command.envs(variables.iter().copied());
    command
        .stdout(into.try_clone().expect("a file"))
        .stderr(into)
        .stdin(Stdio::null());
    let mut program = Program(command.spawn().expect("it runs"));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = program.0.try_wait().expect("it runs") {
            break status.code().and_then(|code| code.try_into().ok());
        }
        if started.elapsed() > Duration::from_secs(60) {
            break None;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let said = std::fs::read_to_string(&said).expect("text");
    assert!(!said.contains(secret), "{said}");
    assert!(!said.is_empty(), "it says why");
    status.unwrap_or(CUT)
}

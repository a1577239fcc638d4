//! Who somebody says that others say that he is: addresses in headers, from strangers and from
//! trusted proxies.

use super::case::{CUT, Case, Outcome};
use super::people::JSON;
use super::stage::Stage;

/// We connect as a trusted proxy.
pub(crate) const TRUSTED: &str = "proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\", \"fd00::/8\"]\n";

/// The same, with limits that are soon met.
pub(crate) const LIMITED: &str = "proxies = [\"127.0.0.0/8\"]\n[limits]\n\
    connections_per_address = 8\nrooms_per_address = 2\nguests_per_address = 3\n\
    logins_per_address = 3\n";

/// There are proxies, but we are none of them.
pub(crate) const UNTRUSTED: &str = "proxies = [\"10.0.0.0/8\"]\n[limits]\n\
    connections_per_address = 20\nguests_per_address = 30\nlogins_per_address = 3\n";

const PROXY: &str = "127.0.0.1";
const CLIENT: &str = "198.51.100.7";

/// Knocks with these lines and compares the address in the audit.
fn seen_as(name: String, lines: String, expect: Option<&'static str>) -> Case {
    let expected: &[Outcome] = if expect.is_some() {
        &[101]
    } else {
        &[431, 400, CUT]
    };
    Case::new(name, expected, move |stage| {
        let room = stage.next_name("room").replace(' ', "-");
        let status = stage.knock(&room, "x", &lines);
        let audited = stage.audited(&room);
        let addresses: Vec<_> = audited
            .iter()
            .map(|line| line["address"].as_str())
            .collect();
        assert_eq!(addresses, Vec::from_iter(expect.map(Some)), "{lines:?}");
        status
    })
}

/// Lines of a proxy, and whom they mean.
fn chains() -> Vec<(&'static str, String, Option<&'static str>)> {
    let to = |value: &str| format!("X-Forwarded-For: {value}\r\n");
    let many = |n: usize, one: &str| to(&vec![one; n].join(", "));
    vec![
        ("no header", String::new(), Some(PROXY)),
        ("an address", to(CLIENT), Some(CLIENT)),
        (
            "what the client says before it",
            to("192.0.2.1, 198.51.100.7"),
            Some(CLIENT),
        ),
        (
            "without a space",
            to("192.0.2.1,198.51.100.7"),
            Some(CLIENT),
        ),
        (
            "proxies behind it",
            to("192.0.2.1, 198.51.100.7, 10.0.0.9, 127.0.0.2"),
            Some(CLIENT),
        ),
        ("two lines", to("192.0.2.1") + &to(CLIENT), Some(CLIENT)),
        (
            "two lines, a proxy behind",
            to(CLIENT) + &to("10.0.0.9"),
            Some(CLIENT),
        ),
        ("a port", to("198.51.100.7:4711"), Some(CLIENT)),
        ("a mapped address", to("::ffff:198.51.100.7"), Some(CLIENT)),
        ("IPv6", to("2001:db8::7"), Some("2001:db8::7")),
        (
            "IPv6 in brackets with a port",
            to("[2001:db8::7]:4711"),
            Some("2001:db8::7"),
        ),
        (
            "nobody but proxies",
            to("10.0.0.9, 10.0.0.8"),
            Some("10.0.0.9"),
        ),
        (
            "a client that says it is a proxy",
            to("10.0.0.9, 198.51.100.7"),
            Some(CLIENT),
        ),
        (
            "a client that says it is this machine",
            to("127.0.0.1, 198.51.100.7"),
            Some(CLIENT),
        ),
        ("nothing", to(""), Some(PROXY)),
        ("commas", to(",,,"), Some(PROXY)),
        ("a comma behind", to("198.51.100.7,"), Some(PROXY)),
        ("a word", to("unknown"), Some(PROXY)),
        ("a name", to("evil.net"), Some(PROXY)),
        ("a number too many", to("198.51.100.7.1"), Some(PROXY)),
        ("a number too large", to("198.51.100.256"), Some(PROXY)),
        ("octal", to("0306.063.0144.07"), Some(PROXY)),
        ("one number", to("3325256711"), Some(PROXY)),
        ("a port too large", to("198.51.100.7:99999"), Some(PROXY)),
        ("a zone", to("fe80::1%25eth0"), Some(PROXY)),
        ("a network", to("198.51.100.0/24"), Some(PROXY)),
        ("quotes", to("\"198.51.100.7\""), Some(PROXY)),
        ("a semicolon", to("198.51.100.7; 192.0.2.1"), Some(PROXY)),
        ("a tab", to("192.0.2.1,\t198.51.100.7"), Some(CLIENT)),
        (
            "digits of Arabic",
            to("\u{661}\u{669}\u{668}.51.100.7"),
            Some(PROXY),
        ),
        ("wide digits", to("\u{ff11}98.51.100.7"), Some(PROXY)),
        (
            "letters before what the proxy adds",
            to("\u{e9}, 198.51.100.7"),
            Some(CLIENT),
        ),
        (
            "a line of letters before",
            to("\u{202e}") + &to(CLIENT),
            Some(CLIENT),
        ),
        (
            "an address, then letters and ours",
            to("192.0.2.1") + &to("\u{e9}, 198.51.100.7"),
            Some(CLIENT),
        ),
        (
            "nonsense before what the proxy adds",
            to("x'--, 198.51.100.7"),
            Some(CLIENT),
        ),
        (
            "nonsense behind a proxy",
            to("x, 10.0.0.9"),
            Some("10.0.0.9"),
        ),
        (
            "five hundred before",
            many(500, "192.0.2.1").replace("\r\n", ", 198.51.100.7\r\n"),
            Some(CLIENT),
        ),
        (
            "sixteen proxies behind",
            to("198.51.100.7") + &many(16, "10.0.0.9"),
            Some("10.0.0.9"),
        ),
        (
            "ten proxies behind",
            to("198.51.100.7") + &many(10, "10.0.0.9"),
            Some(CLIENT),
        ),
        (
            "forty lines",
            to("192.0.2.1").repeat(40) + &to(CLIENT),
            Some(CLIENT),
        ),
        ("a hundred lines", to("192.0.2.1").repeat(100), None),
        ("10 KiB", many(1000, "192.0.2.1"), None),
        (
            "Forwarded alone",
            "Forwarded: for=198.51.100.7\r\n".into(),
            Some(PROXY),
        ),
        (
            "Forwarded beside it",
            format!("Forwarded: for=192.0.2.1;proto=https\r\n{}", to(CLIENT)),
            Some(CLIENT),
        ),
        (
            "X-Real-IP alone",
            "X-Real-IP: 198.51.100.7\r\n".into(),
            Some(PROXY),
        ),
        (
            "another case",
            "x-FORWARDED-for: 198.51.100.7\r\n".into(),
            Some(CLIENT),
        ),
        (
            "an underscore",
            "X_Forwarded_For: 198.51.100.7\r\n".into(),
            Some(PROXY),
        ),
        ("a NUL", to("198.51.100.7\0"), None),
    ]
}

/// A trusted proxy speaks.
pub(crate) fn trusted() -> Vec<Case> {
    let cases = chains().into_iter();
    let mut cases: Vec<_> = cases
        .map(|(name, lines, expect)| seen_as(format!("trusted proxy: {name}"), lines, expect))
        .collect();
    cases.extend(secure("trusted proxy", true));
    cases
}

/// A stranger says the same: what is refused is, else it is the peer's address that counts.
pub(crate) fn untrusted() -> Vec<Case> {
    let mut chains = chains();
    for name in [
        "X-Real-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "Fastly-Client-IP",
        "X-Originating-IP",
        "X-Remote-Addr",
        "Client-IP",
        "Via",
    ] {
        chains.push((name, format!("{name}: 198.51.100.7\r\n"), Some(PROXY)));
    }
    let cases = chains.into_iter();
    let mut cases: Vec<_> = cases
        .map(|(name, lines, expect)| {
            seen_as(format!("stranger: {name}"), lines, expect.map(|_| PROXY))
        })
        .collect();
    cases.extend([
        Case::new(
            "stranger: twenty of an address, by twenty names",
            &[429],
            |stage| {
                let of = |n: usize| {
                    format!("X-Forwarded-For: 198.51.100.{n}\r\nForwarded: for=192.0.2.{n}\r\n")
                };
                let await_empty =
                    || stage.until("empty", |stage| stage.metric("downbeat_connections ") == 0);
                await_empty();
                let inside = fill(stage, 20, of);
                let status = stage.knock("main", "x", &of(99));
                drop(inside);
                await_empty();
                status
            },
        ),
        Case::new("stranger: guests by other names", &[429], |stage| {
            last(stage, "/api/guest", "{}", (31, 429), |n| {
                format!("X-Forwarded-For: 203.0.113.{n}\r\n")
            })
        }),
        Case::new("stranger: logins by other names", &[429], |stage| {
            let body = r#"{"name":"Nobody","password":"a guess or so"}"#;
            last(stage, "/api/login", body, (4, 429), |n| {
                format!("X-Forwarded-For: 203.0.113.{n}\r\n")
            })
        }),
    ]);
    cases
}

/// Of a server on loopback without proxies: its cookies travel without TLS, whatever is said.
pub(crate) fn secure(who: &str, is_secure: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for (n, lines) in [
        "X-Forwarded-Proto: https\r\n",
        "X-Forwarded-Proto: http\r\n",
        "X-Forwarded-Proto: http, https\r\n",
        "X-Forwarded-Proto: \u{e9}\r\n",
        "Forwarded: proto=https\r\n",
        "X-Forwarded-Ssl: on\r\nFront-End-Https: on\r\nX-Url-Scheme: https\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{who}: a cookie and what is said of TLS, {n}");
        cases.push(Case::new(name, &[200], move |stage| {
            let answer = stage.post("/api/guest", lines, "{}");
            let cookie = answer.header("set-cookie").expect("a cookie");
            assert_eq!(cookie.contains("; Secure"), is_secure, "{lines}");
            answer.status
        }));
    }
    cases
}

/// Posts so often; the last must be refused, and all before it not with the same status.
fn last(
    stage: &Stage,
    path: &str,
    body: &str,
    (count, refused): (usize, Outcome),
    lines: impl Fn(usize) -> String,
) -> Outcome {
    let ask = |n: usize| stage.post(path, &lines(n), body).status;
    for n in 1..count {
        assert_ne!(ask(n), refused, "attempt {n}");
    }
    ask(count)
}

/// Through a trusted proxy, each client has limits of its own.
pub(crate) fn limited() -> Vec<Case> {
    fn case(name: &str, expect: Outcome, deed: fn(&Stage) -> Outcome) -> Case {
        Case::new(format!("limits behind a proxy: {name}"), &[expect], deed)
    }
    let mut cases = Vec::new();
    for (n, (name, again)) in (10..).zip([
        ("again", "{a}"),
        ("under a name of its own", "192.0.2.1, {a}"),
        ("under our proxy's name", "127.0.0.1, {a}"),
        ("with a port", "{a}:80"),
        ("as IPv6", "::ffff:{a}"),
        ("by two proxies", "{a}, 127.0.0.5"),
        ("with letters before", "\u{e9}, {a}"),
    ]) {
        let address = format!("198.51.100.{n}");
        let again = again.replace("{a}", &address);
        let name = format!("limits behind a proxy: one too many, {name}");
        cases.push(Case::new(name, &[429], move |stage| {
            let same = |_| format!("X-Forwarded-For: {address}\r\n");
            let inside = fill(stage, 8, same);
            let other = stage.knock("main", "x", &format!("X-Forwarded-For: 203.0.113.{n}\r\n"));
            assert_eq!(other, 101, "others have their own");
            let status = stage.knock("main", "x", &format!("X-Forwarded-For: {again}\r\n"));
            drop(inside);
            status
        }));
    }
    cases.extend([
        case("a network of IPv6 is one", 429, |stage| {
            let inside = fill(stage, 8, |n| {
                format!("X-Forwarded-For: 2001:db8:1:1::{n}\r\n")
            });
            let status = stage.knock("main", "x", "X-Forwarded-For: 2001:db8:1:1:ffff::9\r\n");
            drop(inside);
            status
        }),
        case("guests", 429, |stage| {
            last(stage, "/api/guest", "{}", (4, 429), |n| {
                format!("X-Forwarded-For: 192.0.2.{n}, 198.51.100.30\r\n")
            })
        }),
        case("guests of others", 200, |stage| {
            let lines = format!("{JSON}X-Forwarded-For: 198.51.100.31\r\n");
            stage.request("POST", "/api/guest", &lines, "{}").status
        }),
        case("logins", 429, |stage| {
            let body = r#"{"name":"Nobody","password":"a guess or so"}"#;
            last(stage, "/api/login", body, (4, 429), |n| {
                format!("X-Forwarded-For: 192.0.2.{n}, 198.51.100.32\r\n")
            })
        }),
        case("rooms, one after the other", 429, |stage| {
            let lines = "X-Forwarded-For: 198.51.100.33\r\n";
            let open = |room: &str| stage.enter(room, "x", lines).expect("let in").0;
            let inside = ["one", "two"].map(open);
            let spoofed = "X-Forwarded-For: 192.0.2.9, 198.51.100.33\r\n";
            let status = stage.knock("three", "x", spoofed);
            let old = stage.knock("one", "x", lines);
            assert_eq!(old, 101, "rooms that are there are not opened");
            drop(inside);
            status
        }),
        case("rooms, all at once", 4003, |stage| {
            let handshake = |n| {
                let lines = "X-Forwarded-For: 198.51.100.34\r\n";
                super::people::request(&format!("at-once-{n}"), "x", lines)
            };
            let upgraded = |n| {
                let handshake = handshake(n).replace("downbeat.v1,", "downbeat.v1.json,");
                stage.upgraded(&handshake).expect("let in")
            };
            let mut crowd: Vec<_> = (0..4).map(upgraded).collect();
            let hello = super::raw::frame(0x81, br#"{"type":"hello","name":"Ada"}"#);
            for raw in &mut crowd {
                raw.send(&hello);
            }
            let firsts = crowd.iter_mut().map(|raw| raw.frame().expect("an answer"));
            let codes = firsts.filter(|frame| frame.opcode == 8);
            let codes: Vec<_> = codes.map(|frame| frame.code()).collect();
            assert_eq!(codes, [Some(4003), Some(4003)], "two of four");
            4003
        }),
    ]);
    cases
}

/// So many of an address that has none yet are let in.
fn fill(stage: &Stage, count: usize, lines: impl Fn(usize) -> String) -> Vec<super::raw::Raw> {
    let let_in = |n| {
        let request = super::people::request("main", "x", &lines(n));
        stage.upgraded(&request).expect("let in")
    };
    (0..count).map(let_in).collect()
}

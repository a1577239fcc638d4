//! Documents and sources that must agree, and what must stay absent.

use std::path::{Path, PathBuf};
use std::process::Command;

use downbeat::wire::CloseCode;

mod examples;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a workspace")
        .into()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The code blocks of a language, in order.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let start = format!("```{language}\n");
    let parts = document.split(&start).skip(1);
    parts
        .map(|part| {
            part.split("\n```")
                .next()
                .expect("a closed block")
                .to_owned()
        })
        .collect()
}

/// For excerpts of what is indented in its source.
fn flush_left(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    lines.collect::<Vec<_>>().join("\n")
}

fn without_blank_lines(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_engine_has_no_http_no_websocket_no_tls_and_no_database() {
    let tree = crate::process::cargo()
        .args([
            "tree", "-p", "downbeat", "-e", "normal", "--prefix", "none", "--locked",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&tree.stdout);
    assert!(tree.contains("bincode"), "{tree}");
    let absent = [
        "hyper",
        "axum",
        "http",
        "tungstenite",
        "rustls",
        "sqlx",
        "redis",
        "socket2",
    ];
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap_or_default();
        assert!(!absent.contains(&name), "engine depends on {name}");
    }
}

#[test]
fn the_tutorials_pieces_are_the_game_that_the_tests_play() {
    let tutorial = read("docs/tutorial.md");
    let game = blocks(&tutorial, "rust").join("\n");
    assert_eq!(
        without_blank_lines(&game),
        without_blank_lines(&read("tests/src/duel.rs")),
        "docs/tutorial.md and tests/src/duel.rs have drifted apart: edit both"
    );
    for (language, file) in [
        ("js", "tests/src/duel.js"),
        ("html", "tests/src/duel.html"),
        ("css", "tests/src/duel.css"),
    ] {
        assert_eq!(
            blocks(&tutorial, language),
            [read(file).trim_end()],
            "{file}"
        );
    }
}

#[test]
fn the_migrated_chat_is_the_game_that_the_tests_play() {
    let chapter = read("docs/coming-from-channels.md");
    assert_eq!(
        without_blank_lines(&blocks(&chapter, "rust").join("\n")),
        without_blank_lines(&read("tests/src/talk.rs")),
        "docs/coming-from-channels.md and tests/src/talk.rs have drifted apart: edit both"
    );
}

#[test]
fn the_code_of_the_chapters_is_that_of_the_sources() {
    let prediction = read("docs/prediction.md");
    let excerpts: Vec<_> = ["rust", "ts"]
        .iter()
        .flat_map(|language| blocks(&prediction, language))
        .collect();
    assert!(excerpts.len() >= 7, "{} excerpts", excerpts.len());
    for excerpt in excerpts {
        let (path, code) = excerpt.split_once('\n').expect("a path, then code");
        let path = path.strip_prefix("// ").expect("a path");
        assert!(
            read(path).contains(code),
            "docs/prediction.md: this is not in {path} any more:\n{code}"
        );
    }
    for excerpt in blocks(&read("docs/sources.md"), "rust") {
        let (path, code) = excerpt.split_once('\n').expect("a path, then code");
        let path = path.strip_prefix("// ").expect("a path");
        assert!(
            flush_left(&read(path)).contains(&flush_left(code)),
            "docs/sources.md: this is not in {path} any more:\n{code}"
        );
    }
    let debugging = read("docs/debugging.md");
    assert_eq!(
        blocks(&debugging, "python"),
        [read("tests/python/look.py").trim_end()],
        "docs/debugging.md and tests/python/look.py have drifted apart: edit both"
    );
    let help = read("server/src/load/trace.rs");
    let line = blocks(&debugging, "text").join("\n");
    let line = line.lines().find(|line| line.contains(" tick 813 "));
    let line = line.expect("a traced tick").replace('"', "\\\"");
    assert!(help.contains(&line), "load --help shows another line");
}

#[test]
fn every_close_code_is_documented_with_its_reason() {
    for document in ["PROTOCOL.md", "docs/close-codes.md"] {
        let text = read(document);
        for code in CloseCode::ALL {
            let number = format!("| {} |", code.number());
            let mut lines = text.lines().filter(|line| line.starts_with(&number));
            let says = lines.any(|line| line.contains(code.reason()) || code == CloseCode::Refused);
            assert!(
                says,
                "{document} lacks {} {:?}",
                code.number(),
                code.reason()
            );
        }
    }
}

/// The constants of a module or file that are plain numbers or shifts of one, by their names.
fn constants(source: &str) -> Vec<(String, u64)> {
    let lines = source.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("pub(crate) ");
        let (name, rest) = line.strip_prefix("const ")?.split_once(": ")?;
        let value = rest.split_once("= ")?.1.strip_suffix(';')?;
        let number = match value.split_once(" << ") {
            Some(("1", by)) => 1 << by.parse::<u32>().ok()?,
            _ => match value.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).ok()?,
                None => value.parse().ok()?,
            },
        };
        Some((name.to_owned(), number))
    });
    lines.collect()
}

/// What stands between two words of a text, where they come first.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let after = text.split_once(from).expect(from).1;
    after.split_once(to).expect(to).0
}

fn number(constants: &[(String, u64)], name: &str) -> u64 {
    let found = constants.iter().find(|(of, _)| of == name);
    found.unwrap_or_else(|| panic!("no constant {name}")).1
}

#[test]
fn the_protocols_sections_and_flags_are_those_of_the_source() {
    let protocol = read("PROTOCOL.md");
    let wire = read("engine/src/wire.rs");
    let block = read("engine/src/block.rs");
    let says = |text: String| assert!(protocol.contains(&text), "PROTOCOL.md lacks {text:?}");

    let sections = constants(between(&wire, "mod section {", "\n}"));
    assert_eq!(sections.len(), 8, "{sections:?}");
    for (name, tag) in &sections {
        let (first, rest) = name.split_at(1);
        says(format!("| {tag} | `{first}{}` |", rest.to_lowercase()));
    }
    let table = between(&protocol, "| tag | section |", "\n\n");
    assert_eq!(
        table.lines().count(),
        sections.len() + 2,
        "no other section"
    );

    let tags = constants(between(&wire, "mod tag {", "\n}"));
    for (name, heading) in [("WELCOME", "### `Welcome`"), ("PONG", "### `Pong`")] {
        let text = between(&protocol, heading, "`,");
        let byte = text.rsplit('`').next().expect("a byte");
        assert_eq!(byte, format!("{:02x}", number(&tags, name)), "{name}");
    }
    says(format!(
        "| flags | `u8` | `{:02x}` plus",
        number(&tags, "FRAME")
    ));
    let header = constants(between(&wire, "impl FrameHeader {", "\n\n"));
    for name in ["RESET", "MORE", "ACK"] {
        let bit = number(&header, name).trailing_zeros();
        says(format!("bit {bit} `{name}`"));
    }

    let parts = constants(between(&block, "mod part {", "\n}"));
    for (name, flag) in parts.iter().filter(|(name, _)| name != "ANY") {
        says(format!("| {} | `{name}` |", flag.trailing_zeros()));
    }
    let slots = constants(&block);
    for name in ["FOLLOWS", "OVERLAY"] {
        says(format!(
            "bit {} `{name}`",
            number(&slots, name).trailing_zeros()
        ));
    }
    says(format!("`{:02x}`: gone", number(&slots, "TO_NOWHERE")));
    says(format!(
        "width − 1, at most {}",
        number(&slots, "WIDTH_MAX") - 1
    ));
    assert_eq!(downbeat::wire::SUBPROTOCOL, "downbeat.v1");
    says("# Protocol `downbeat.v1`\n".into());
}

#[test]
fn the_protocols_limits_are_those_of_the_source() {
    use downbeat::limits;
    let protocol = read("PROTOCOL.md");
    let says = |text: String| assert!(protocol.contains(&text), "PROTOCOL.md lacks {text:?}");
    for (who, bytes) in [
        ("client", limits::CLIENT_MESSAGE_BYTES_MAX),
        ("server", limits::SERVER_MESSAGE_BYTES_MAX),
    ] {
        let kib = bytes / 1024;
        assert_eq!(kib * 1024, bytes);
        says(format!("message of the {who} is at most {kib} KiB"));
    }
    let side = 2 * limits::VIEW_RINGS_MAX + 1;
    says(format!("{side} × {side} cells"));
    let every = limits::CHECKSUM_EVERY_TICKS;
    says(format!("at every tick divisible by {every}"));
    says(format!("cuts it to {} characters", limits::NAME_CHARS_MAX));
    says(format!("1–{} of `A–Z", limits::ROOM_NAME_BYTES_MAX));
    let quiet = limits::HEARTBEAT_EVERY.as_secs();
    assert_eq!(quiet, 1);
    says("got nothing for a second gets a *heartbeat*".into());
    let page = constants(&read("engine/src/page.rs"));
    says(format!("pages of {} slots", number(&page, "SLOTS")));

    let server = read("server/src/limits.rs");
    let headers = number(&constants(&server), "HEADERS_MAX");
    says(format!("more than {headers} headers"));
    assert!(server.contains("JSON_TEXT_BYTES_MAX: usize = 1024 * 1024;"));
    says("larger than 1 MiB".into());
    let fnv = read("engine/src/block.rs");
    for number in ["0x811c_9dc5", "0x0100_0193"] {
        assert!(fnv.contains(number), "{number}");
        says(number.trim_start_matches("0x").replace('_', ""));
    }
}

#[test]
fn the_reasons_that_the_server_gives_are_documented() {
    let sources = ["server/src/upgrade.rs", "server/src/json_link.rs"].map(read);
    let reasons = sources.iter().flat_map(|source| {
        let parts = source.split("Close::with_reason(").skip(1);
        parts.filter_map(|part| part.split(')').next()?.split('"').nth(1))
    });
    let reasons: Vec<_> = reasons.collect();
    assert!(reasons.len() >= 4, "{reasons:?}");
    for document in ["PROTOCOL.md", "docs/close-codes.md"] {
        let text = read(document);
        for reason in &reasons {
            let told = format!("`{reason}`");
            assert!(text.contains(&told), "{document} lacks {told}");
        }
    }
}

/// What is written in code without its spaces.
fn compact(bytes: &str) -> String {
    bytes.split_whitespace().collect()
}

#[test]
fn the_examples_of_the_protocol_are_the_bytes_it_says() {
    let protocol = read("PROTOCOL.md");
    let mut rows = 0;
    for (name, bytes) in examples::all() {
        let hex = examples::hex(&bytes);
        let start = format!("| {name} | `");
        let row = protocol.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("PROTOCOL.md lacks the example {name}: {hex}"));
        let told = row[start.len()..].split('`').next().unwrap_or_default();
        assert_eq!(compact(told), hex, "the encoders write another {name}");
        rows += 1;
    }
    let table = between(&protocol, "## Examples", "\n## ");
    let told = table.lines().filter(|line| line.starts_with("| "));
    let told = told.filter(|line| !line.starts_with("| example |"));
    assert_eq!(told.count(), rows, "each example is one of an encoder");
}

#[test]
fn the_clients_tests_have_the_examples_of_the_protocol() {
    let tests = ["protocol", "vectors"].map(|of| read(&format!("client-web/test/{of}.test.ts")));
    let tests = compact(&tests.join(" "));
    let ours = ["hello", "input", "welcome", "pong", "movement"];
    for (name, bytes) in examples::all() {
        let hex = examples::hex(&bytes);
        if ours.contains(&name) {
            assert!(tests.contains(&hex), "client-web/test lacks {name}: {hex}");
        }
    }
}

#[test]
fn golden_vectors_hold_the_conversation_of_the_examples() {
    let now = examples::recording();
    let path = root().join("tests/vectors/frames-protocol.json");
    if std::env::var_os("DOWNBEAT_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &now).expect("written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        now == golden,
        "stale: run tests/generate and look at what changed"
    );
}

#[test]
fn the_readme_names_every_figure_that_is_measured() {
    let readme = read("README.md");
    for file in [
        "tick",
        "idle",
        "world",
        "offenders",
        "replication",
        "paths",
        "jobs",
        "saturated",
        "capacity",
    ] {
        let source = read(&format!("benches/src/{file}.rs"));
        let names = source
            .split("NAMES:")
            .nth(1)
            .and_then(|rest| rest.split("];").next());
        for name in names
            .expect("a list of names")
            .split('"')
            .filter(|part| part.contains('.'))
        {
            assert!(
                readme.contains(&format!("`{name}`")),
                "README.md lacks {name}"
            );
        }
    }
}

#[test]
fn the_readmes_small_game_is_small() {
    let readme = read("README.md");
    let game = blocks(&readme, "rust")
        .into_iter()
        .find(|block| block.contains("impl Game for"));
    let lines = game.expect("a game").lines().count();
    assert!(lines <= 40, "{lines} lines");
}

#[test]
fn nothing_is_switched_off_and_architecture_stays_short() {
    let tracked = Command::new("git")
        .args(["ls-files"])
        .current_dir(root())
        .output();
    let tracked = String::from_utf8(tracked.expect("git runs").stdout).expect("names");
    let sources = tracked.lines().filter(|path| {
        let is_source = path.ends_with(".rs") || path.ends_with(".ts") || path.ends_with(".mjs");
        is_source && !path.ends_with("it/tidy.rs")
    });
    for path in sources {
        let Ok(text) = std::fs::read_to_string(root().join(path)) else {
            continue; // deleted, not committed yet
        };
        for word in [
            "#[ignore",
            "todo!(",
            "unimplemented!(",
            "it.skip(",
            "it.only(",
            "FIXME",
        ] {
            assert!(!text.contains(word), "{path} has {word}");
        }
    }
    assert!(read("ARCHITECTURE.md").lines().count() <= 250);
}

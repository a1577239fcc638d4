//! Documents and sources that must agree, and what must stay absent.

use std::path::{Path, PathBuf};
use std::process::Command;

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

fn without_blank_lines(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_engine_has_no_http_no_websocket_no_tls_and_no_database() {
    let tree = Command::new(env!("CARGO"))
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
fn every_close_code_is_documented_with_its_reason() {
    for document in ["PROTOCOL.md", "docs/close-codes.md"] {
        let text = read(document);
        for code in downbeat::wire::CloseCode::ALL {
            let number = format!("| {} |", code.number());
            let line = text.lines().find(|line| line.starts_with(&number));
            let line = line.unwrap_or_else(|| panic!("{document} lacks {}", code.number()));
            let says = line.contains(code.reason()) || code.number() == 4003;
            assert!(says, "{document}: {line} lacks {:?}", code.reason());
        }
    }
}

#[test]
fn the_protocols_numbers_are_those_of_the_source() {
    let protocol = read("PROTOCOL.md");
    let wire = read("engine/src/wire.rs");
    for (module, lines) in [(
        "mod section",
        [
            "Refused", "Seat", "Private", "Events", "Shared", "Removed", "Added", "Changed",
        ],
    )] {
        let body = wire.split(module).nth(1).expect(module);
        for (number, name) in (1..).zip(lines) {
            let upper = name.to_uppercase();
            assert!(
                body.contains(&format!("{upper}: u8 = {number};")),
                "wire.rs: {name}"
            );
            assert!(
                protocol.contains(&format!("| {number} | `{name}` |")),
                "PROTOCOL.md: {name}"
            );
        }
    }
    use downbeat::limits;
    for (kib, bytes) in [
        (4, limits::CLIENT_MESSAGE_BYTES_MAX),
        (8, limits::SERVER_MESSAGE_BYTES_MAX),
    ] {
        assert_eq!(kib * 1024, bytes);
        assert!(protocol.contains(&format!("at most {kib} KiB")));
    }
}

#[test]
fn the_examples_of_the_protocol_are_the_bytes_it_says() {
    // The same bytes are decoded in engine/src/wire.rs and client-web/test/protocol.test.ts.
    let protocol = read("PROTOCOL.md");
    for example in [
        "01 01 fb2c01 00 7f 00",
        "01 00 fb2d01 0c 01 08 01 07 01 0000c03f 000000c0",
    ] {
        assert!(protocol.contains(&format!("`{example}`")), "{example}");
        let compact = example.replace(' ', "");
        let tests = read("client-web/test/protocol.test.ts").replace(' ', "");
        assert!(
            tests.contains(&compact),
            "client-web's tests lack {example}"
        );
    }
}

#[test]
fn the_readme_names_every_figure_that_is_measured() {
    let readme = read("README.md");
    for file in ["tick", "idle", "world", "offenders"] {
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
